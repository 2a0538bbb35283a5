# Brings the staged files of a container live.
# Variables: those of files_bring.sh; keep (1: keep what is live as the way back, unless one is kept already; 0: the spare has it).
# Output: that of files_bring.sh.
. ./files_bring.sh
: "${keep?}"
need_place
[ -d "$folder/staged" ] || failed "nothing is staged in $folder"
if [ "$keep" -eq 1 ] && [ ! -d "$folder/before" ]; then
  { cp -Rp "$folder/live" "$new/before" && flush "$new/before" && mv "$new/before" "$folder/before"; } ||
    failed "$folder/before is not written"
fi
bring "$folder/staged"
if [ "$keep" -eq 0 ]; then rm -rf "$folder/before"; fi
rm -rf "$new"
echo done=1
