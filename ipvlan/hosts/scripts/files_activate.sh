# Brings the staged files of a container live.
# Variables: those of files_bring.sh; keep (1: keep what is live as the way back, unless one is kept already; 0: keep it only
# until all is live, and bring it live again where that fails).
# Output: that of files_bring.sh.
. ./files_bring.sh
: "${keep?}"
need_place
make_parts
[ -d "$folder/staged" ] || failed "nothing is staged in $folder"
kept=0
if [ -d "$folder/before" ]; then
  kept=1
else
  { cp -Rp "$folder/live" "$new/before" && flush "$new/before" && mv "$new/before" "$folder/before"; } ||
    failed "$folder/before is not written"
fi
if [ "$keep" -eq 1 ]; then
  bring "$folder/staged"
elif (bring "$folder/staged"); then
  rm -rf "$folder/before"
else
  # The container that was to be replaced stays: its next start must not find half of the new files.
  if (bring "$folder/before") && [ "$kept" -eq 0 ]; then rm -rf "$folder/before"; fi
  exit 1
fi
rm -rf "$new"
echo done=1
