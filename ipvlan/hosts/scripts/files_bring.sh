# Defines how files go live: each is complete before it has its name, and the inode that a running container has of a single file is
# overwritten only where that is asked for.
# Variables: those of files_place.sh; mounts (number of the container's mounts), and for each from 0 on mount_N (its slot) and target_N
# (its path in the container); pid (the container's first process on the host; 0 where it does not run), hold (1: keep what the
# container has of single files up to date; 0: it is started again anyway).
# Output: that of files_place.sh; restart (a slot of which the running container has something else).
. ./files_place.sh
: "${mounts?}" "${pid?}" "${hold?}"

# Whether the container has this file or folder of the host at that target. It is compared alone: the path is within the container,
# whose links may lead anywhere.
is_mounted() {
  [ "$pid" -ne 0 ] && [ "$1" -ef "/proc/$pid/root$2" ]
}

# Copies one file of $1 over $2 by a rename, with owner and mode.
replace() {
  is_same "$1" "$2" && return 0
  cp -p "$1" "$new/file" && flush "$new/file" || return 1
  # A rename does not replace a folder, and goes into one that a link leads to.
  if [ -L "$2" ] || [ -d "$2" ]; then rm -rf "$2"; fi
  mv -f "$new/file" "$2"
}

# Makes the folder $2 like the folder $1, file by file: the container has the folder itself.
replace_folder() {
  if [ -L "$2" ] || [ ! -d "$2" ]; then rm -f "$2"; fi
  mkdir -p "$2" && chmod 0755 "$2" || return 1
  (cd "$1" && find . -mindepth 1 -type d) | while IFS= read -r path; do
    if [ -L "$2/$path" ] || [ ! -d "$2/$path" ]; then rm -f "$2/$path"; fi
    mkdir -p "$2/$path" && chmod 0755 "$2/$path" || exit 1
  done || return 1
  (cd "$1" && find . -type f) | while IFS= read -r path; do
    replace "$1/$path" "$2/$path" || exit 1
  done || return 1
  # Last: what is new may be there before what it takes the place of is gone.
  (cd "$2" && find . -mindepth 1 -depth) | while IFS= read -r path; do
    is_there "$1/$path" || rm -rf "${2:?}/$path"
  done
}

# Copies the file $1 over the inode $2, with owner and mode. Neither the old nor the new bytes are ever open to more users than their
# own owner and mode say.
overwrite() {
  closed=0
  if [ "$(stat -c %u:%g "$1")" = "$(stat -c %u:%g "$2")" ]; then
    closed=$(printf %o "$((0$(stat -c %a "$1") & 0$(stat -c %a "$2")))")
  fi
  chmod "$closed" "$2" && cat "$1" >"$2" && chown "$(stat -c %u:%g "$1")" "$2" && chmod "$(stat -c %a "$1")" "$2" && flush "$2"
}

# Brings the single file $1 live in the slot $2 that is mounted at $3.
bring_file() {
  live=$folder/live/$2 held=$folder/held/$2
  if [ "$hold" -eq 0 ]; then
    rm -f "$held"
    replace "$1" "$live"
    return
  fi
  if is_mounted "$live" "$3"; then
    if is_same "$1" "$live"; then return 0; fi
    ln -f "$live" "$held" || return 1
  elif ! is_mounted "$held" "$3"; then
    rm -f "$held"
    [ "$pid" -eq 0 ] || echo "restart=$2"
    replace "$1" "$live"
    return
  fi
  # On a full disk a file that is overwritten would be an empty one, which the container has: room for it is made sure of first.
  cp -p "$1" "$new/room" && flush "$new/room" || return 1
  # A start from now on finds the new file; the container that runs keeps its inode.
  replace "$1" "$live" || return 1
  rm -f "$new/room"
  is_same "$1" "$held" && return 0
  overwrite "$1" "$held"
}

# Brings live what is in the folder $1.
bring() {
  number=0 slot='' target=''
  while [ "$number" -lt "$mounts" ]; do
    eval "slot=\$mount_$number target=\$target_$number"
    if [ -d "$1/$slot" ]; then
      replace_folder "$1/$slot" "$folder/live/$slot" || failed "$folder/live/$slot is not replaced"
      if [ -e "/proc/$pid/root$target" ] && ! is_mounted "$folder/live/$slot" "$target"; then echo "restart=$slot"; fi
    elif [ -f "$1/$slot" ]; then
      bring_file "$1/$slot" "$slot" "$target" || failed "$folder/live/$slot is not replaced"
    fi
    number=$((number + 1))
  done
}
