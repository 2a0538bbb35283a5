# Stages the files of a container: all of them at once, in place of what was staged. What nothing is live of yet goes live too, so
# that a container can be created.
# Variables: those of files_place.sh; count (number of files), and for each from 0 on slot_N, path_N (below the slot's folder; empty for
# a file that is mounted alone), owner_N, mode_N, content_N (base64); unused (1: no container mounts what is live).
# Output: that of files_place.sh; digest_N.
. ./files_place.sh
: "${count?}" "${unused?}"

make_place() {
  for part in "$base" "$base/$owner" "$base/$owner/$host"; do
    is_there "$part" || mkdir -p "$part" || failed "the folder $part is not created"
    is_safe "$part" || foreign "$part"
  done
  exec 8<"$base/$owner"
  lock 8 "$base/$owner"
  if ! find_place; then
    # Complete before it has its name: a folder without a label is nobody's.
    making=$base/$owner/.making-$host-$service
    rm -rf "$making"
    mkdir "$making" || failed "the folder $making is not created"
    # New files inherit the type; level s0 is what all containers may read.
    if command -v selinuxenabled >/dev/null && selinuxenabled; then
      chcon -t container_file_t -l s0 "$making" || failed "the folder $making does not get SELinux's type for containers"
    fi
    { printf '%s\n' "$label" >"$making/owner" && mkdir "$making/staged" "$making/live" "$making/held"; } ||
      failed "the folder $making is not filled"
    flush "$making"
    mv "$making" "$folder" || failed "the folder $folder is not created"
    made=1
  fi
  key=$base/$owner/key
  if [ ! -e "$key" ]; then
    head -c 32 /dev/urandom >"$folder/key" && flush "$folder/key" && ln "$folder/key" "$key" 2>/dev/null
    rm -f "$folder/key"
  fi
  [ "$(wc -c <"$key")" -eq 32 ] || failed "$key has not 32 bytes"
}

# Writes one file below $new/staged. Arguments: its slot, path, owner, mode and number.
write() {
  file=$new/staged/$1${2:+/$2}
  mkdir -p "${file%/*}" || return 1
  eval "printf %s \"\$content_$5\"" | base64 -d >"$file" && chown "$3" "$file" && chmod "$4" "$file"
}

made=0
# Nothing in the state says that this folder is there: no `destroy` would remove what is in it.
trap 'if [ "$?" -ne 0 ] && [ "$made" -eq 1 ]; then rm -rf "$folder"; fi' EXIT
make_place
exec 8<&-
need_place
make_parts
mkdir "$new/staged" "$new/live" || failed "the folder $new is not filled"
number=0 slot='' path='' file_owner='' mode=''
while [ "$number" -lt "$count" ]; do
  eval "slot=\$slot_$number path=\$path_$number file_owner=\$owner_$number mode=\$mode_$number"
  write "$slot" "$path" "$file_owner" "$mode" "$number" || failed "$slot${path:+/$path} is not written"
  echo "digest_$number=$(keyed_digest "$file")"
  number=$((number + 1))
done
# The container's users reach them by their mount, not by the folders above it.
find "$new/staged" -mindepth 1 -type d -exec chmod 0755 {} +
flush "$new/staged"
{ mv "$new/staged" "$folder/next" && finish_staging; } || failed "$folder/staged is not replaced"
if [ "$unused" -eq 1 ]; then
  { rm -rf "$folder/before" "$folder/refused" "$folder/held" "$folder/live" && mkdir "$folder/live" "$folder/held"; } ||
    failed "$folder/live is not emptied"
fi
for staged in "$folder/staged"/* "$folder/staged"/.[!.]*; do
  slot=${staged##*/}
  if is_there "$staged" && ! is_there "$folder/live/$slot"; then
    { cp -Rp "$staged" "$new/live/$slot" && flush "$new/live" && mv "$new/live/$slot" "$folder/live/$slot"; } ||
      failed "$folder/live/$slot is not written"
  fi
done
rm -rf "$new"
echo done=1
