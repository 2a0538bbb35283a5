# Reads the files of a container: what is staged, live and held, by digest, owner and mode. It changes nothing.
# Variables: those of files_place.sh; count (number of files), and for each from 0 on slot_N and path_N, as files_stage.sh has them.
# Output: that of files_place.sh; staged_N, live_N and held_N (`DIGEST UID:GID MODE`) for each file
# that is there; unplanned (a slot whose live folder has something that is not staged), pending and refused as files_compare.sh has them.
. ./files_place.sh
: "${count?}"

# Prints a line for a file, unless there is none. Arguments: the key of the line, and the file's path.
describe() {
  if [ ! -L "$2" ] && [ -f "$2" ]; then echo "$1=$(keyed_digest "$2") $(stat -c '%u:%g %a' "$2")"; fi
}

if ! find_place; then
  echo done=1
  exit 0
fi
all=$(staged_last)
number=0
while [ "$number" -lt "$count" ]; do
  eval "slot=\$slot_$number path=\$path_$number"
  describe "staged_$number" "$all/$slot${path:+/$path}"
  for state in live held; do
    describe "${state}_$number" "$folder/$state/$slot${path:+/$path}"
  done
  number=$((number + 1))
done
for staged in "$all"/* "$all"/.[!.]*; do
  slot=${staged##*/}
  if [ -d "$staged" ] && [ -d "$folder/live/$slot" ]; then
    if (cd "$folder/live/$slot" && find . -mindepth 1) | while IFS= read -r path; do
      is_there "$staged/$path" || echo "$path"
    done | grep -q .; then
      echo "unplanned=$slot"
    fi
  fi
done
if [ -d "$folder/before" ]; then echo pending=1; fi
if [ -f "$folder/refused" ]; then echo "refused=$(cat "$folder/refused")"; fi
echo done=1
