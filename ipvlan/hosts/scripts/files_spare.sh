# Copies what a container's spare is to mount: the files that were proven last.
# Variables and output: those of files_place.sh; absent (1 where there are none).
. ./files_place.sh

none() {
  echo absent=1
  echo done=1
  exit 0
}

find_place || none
need_place
source=$folder/live
if [ -d "$folder/before" ]; then source=$folder/before; fi
[ -d "$source" ] || none
{ cp -Rp "$source" "$new/spare" && flush "$new/spare" && rm -rf "$folder/spare" && mv "$new/spare" "$folder/spare"; } ||
  failed "$folder/spare is not written"
rm -rf "$new"
echo done=1
