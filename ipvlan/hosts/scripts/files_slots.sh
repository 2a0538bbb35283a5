# Finds what a container does not mount any more of its files.
# Variables: those of files_place.sh; mounts (number of the container's mounts) and for each from 0 on mount_N (its slot).
# Output: that of files_place.sh.
. ./files_place.sh
: "${mounts?}"

is_planned() {
  number=0
  while [ "$number" -lt "$mounts" ]; do
    eval "[ \"\$mount_$number\" = \"\$1\" ]" && return 0
    number=$((number + 1))
  done
  return 1
}

# Whether a name is one that this program gives a slot (`FilePlan.slot`).
is_slot() {
  case $1 in
    *[!A-Za-z0-9._-]*) return 1 ;;
    *.[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) return 0 ;;
    *) return 1 ;;
  esac
}

# Prints the path of each slot that the container does not have.
unplanned() {
  for slot in "$folder"/live/* "$folder"/live/.[!.]* "$folder"/held/* "$folder"/held/.[!.]*; do
    if is_there "$slot" && is_slot "${slot##*/}" && ! is_planned "${slot##*/}"; then printf '%s\n' "$slot"; fi
  done
}
