# Ends the activation of a container's files: the way back is removed, and what was refused is noted.
# Variables: those of files_place.sh; mounts and mount_N (slots that the container has), refused (one line that says what was refused;
# empty where nothing was: then slots that the container does not have are removed too), spare (1: what a spare mounted is removed, as
# there is none any more).
# Output: that of files_place.sh.
. ./files_place.sh
: "${mounts?}" "${refused?}" "${spare?}"
need_place
is_planned() {
  number=0
  while [ "$number" -lt "$mounts" ]; do
    eval "[ \"\$mount_$number\" = \"\$1\" ]" && return 0
    number=$((number + 1))
  done
  return 1
}
if [ -n "$refused" ]; then
  { printf '%s\n' "$refused" >"$new/refused" && flush "$new/refused" && mv -f "$new/refused" "$folder/refused"; } ||
    failed "$folder/refused is not written"
else
  rm -f "$folder/refused"
  for slot in "$folder"/live/* "$folder"/live/.[!.]* "$folder"/held/* "$folder"/held/.[!.]*; do
    if is_there "$slot" && ! is_planned "${slot##*/}"; then rm -rf "$slot"; fi
  done
fi
if [ "$spare" -eq 1 ]; then rm -rf "$folder/spare"; fi
rm -rf "$folder/before" "$new"
echo done=1
