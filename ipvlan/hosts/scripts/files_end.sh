# Ends the activation of a container's files: the way back is removed, and what was refused is noted.
# Variables: those of files_place.sh; mounts and mount_N (slots that the container has), refused (one line that says what was refused;
# empty where nothing was: then slots that the container does not have are removed too), spare (1: what a spare mounted is removed, as
# there is none any more), keep (1: the way back is kept).
# Output: that of files_place.sh.
. ./files_slots.sh
: "${refused?}" "${spare?}" "${keep?}"
need_place
if [ -n "$refused" ]; then
  { printf '%s\n' "$refused" >"$new/refused" && flush "$new/refused" && mv -f "$new/refused" "$folder/refused"; } ||
    failed "$folder/refused is not written"
else
  rm -f "$folder/refused"
  unplanned | while IFS= read -r slot; do
    rm -rf "$slot"
  done
fi
if [ "$spare" -eq 1 ]; then rm -rf "$folder/spare"; fi
if [ "$keep" -eq 0 ]; then rm -rf "$folder/before"; fi
rm -rf "$new"
echo done=1
