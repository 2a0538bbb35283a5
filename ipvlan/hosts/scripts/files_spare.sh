# Copies what a container's spare is to mount: the files that were proven last.
# Variables and output: those of files_place.sh.
. ./files_place.sh
need_place
source=$folder/live
if [ -d "$folder/before" ]; then source=$folder/before; fi
{ cp -Rp "$source" "$new/spare" && flush "$new/spare" && rm -rf "$folder/spare" && mv "$new/spare" "$folder/spare"; } ||
  failed "$folder/spare is not written"
rm -rf "$new"
echo done=1
