# Copies what a container's spare is to mount: the files that were proven last.
# Variables and output: those of files_place.sh; absent (1 where there are none).
. ./files_place.sh
if ! find_place; then
  echo absent=1
  echo done=1
  exit 0
fi
need_place
source=$folder/live
if [ -d "$folder/before" ]; then source=$folder/before; fi
if [ ! -d "$source" ]; then
  echo absent=1
  echo done=1
  exit 0
fi
{ cp -Rp "$source" "$new/spare" && flush "$new/spare" && rm -rf "$folder/spare" && mv "$new/spare" "$folder/spare"; } ||
  failed "$folder/spare is not written"
rm -rf "$new"
echo done=1
