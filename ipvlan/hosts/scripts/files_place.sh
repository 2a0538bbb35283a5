# Finds the folder of one container's files, and makes sure that it is this stack's and that root alone can write to it.
# Variables: base (folder of the files of all stacks), owner, host, service (parts of the container's owner label), wait (seconds to
# wait for another script that works in the same folder).
# Output: foreign (path of what is not this stack's, or that others can write to), unlabelled (1: that is for its label alone), failed (what was not done). The exit status is 1
# then. Whoever includes it prints `done=1` at its end.
: "${base?}" "${owner?}" "${host?}" "${service?}" "${wait?}"
# What is created is root's alone until it gets its own mode.
umask 077
folder=$base/$owner/$host/$service
label=$owner/$host/$service
# On the same filesystem, so that a rename is atomic; nothing in it is complete.
new=$folder/new

foreign() {
  echo "foreign=$1"
  exit 1
}

failed() {
  echo "failed=$1"
  exit 1
}

# Whether there is a folder of root's that root alone can write to, and no link. Argument: its path.
is_safe() {
  [ ! -L "$1" ] && [ -n "$(find "$1" -prune -type d -user 0 ! -perm -020 ! -perm -002 2>/dev/null)" ]
}

is_there() {
  [ -e "$1" ] || [ -L "$1" ]
}

# Ends the script unless the container's folder is this stack's; returns 1 where there is none.
find_place() {
  for part in "$base" "$base/$owner" "$base/$owner/$host" "$folder"; do
    is_there "$part" || return 1
    is_safe "$part" || foreign "$part"
  done
  if [ -L "$folder/owner" ] || [ "$(cat "$folder/owner" 2>/dev/null)" != "$label" ]; then
    echo unlabelled=1
    foreign "$folder"
  fi
  # Files in them are written and removed: a link may lead to what is not ours.
  for part in staged next live held before spare; do
    if is_there "$folder/$part"; then is_safe "$folder/$part" || foreign "$folder/$part"; fi
  done
}

# Prints the folder of what was staged last: `next`, where it has not come into its place yet.
staged_last() {
  if [ -d "$folder/next" ]; then echo "$folder/next"; else echo "$folder/staged"; fi
}

# Brings what was staged last into its place, where the script that staged it ended before that. It is complete.
finish_staging() {
  [ ! -d "$folder/next" ] || { rm -rf "$folder/staged" && mv "$folder/next" "$folder/staged"; }
}

# Waits for the end of another script that works in a folder: the one who asked for it may have given it up, and not its work on the
# host. Arguments: the number of the file that has the folder open, and its path.
lock() {
  command -v flock >/dev/null || failed "flock is not there: install util-linux, or put it on root's PATH (secure_path of sudo)"
  waited=0
  until flock -n "$1"; do
    [ "$waited" -lt "$wait" ] || failed "another script still works in $2"
    waited=$((waited + 1))
    sleep 1
  done
  [ "/proc/self/fd/$1" -ef "$2" ] || failed "$2 was removed meanwhile"
}

# Makes those parts of the folder again that somebody removed; find_place has seen that no other is in their place.
make_parts() {
  mkdir -p "$folder/live" "$folder/held" || failed "$folder/live or $folder/held is not created"
}

# Ends the script where there is no folder.
need_place() {
  find_place || failed "there is no folder $folder"
  exec 9<"$folder"
  lock 9 "$folder"
  finish_staging || failed "$folder/staged is not replaced"
  rm -rf "$new"
  mkdir "$new" || failed "the folder $new is not created"
}

# Waits until all files below a path are on the disk.
flush() {
  find "$1" -type f -exec sync {} + 2>/dev/null || sync
}

# Whether two files have the same bytes, owner and mode.
is_same() {
  [ ! -L "$2" ] && [ -f "$2" ] && [ "$(stat -c %u:%g:%a "$1")" = "$(stat -c %u:%g:%a "$2")" ] && cmp -s "$1" "$2"
}

# Prints a digest that tells nobody what is in a file who does not have the host's key.
keyed_digest() {
  cat "$base/$owner/key" "$1" | sha256sum | cut -c 1-64
}
