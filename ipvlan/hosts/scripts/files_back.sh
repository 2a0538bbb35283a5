# Brings the files of a container live that were so before the last activation.
# Variables and output: those of files_bring.sh.
. ./files_bring.sh
need_place
make_parts
[ -d "$folder/before" ] || failed "$folder/before is not there"
bring "$folder/before"
rm -rf "$new"
echo done=1
