# Connects a container to the fabric's network at its planned address, where the container is still as it was shown to the user. When
# Docker refuses, it is connected again as it was.
# Variables: those of `repair_look.sh`; network (the id of the fabric's network), address (the planned one), old_network (the network
# that it is connected to in place of this, empty for none: an id, or a name where that network is deleted), old_name (that network's
# name), old_address (its address there, empty where it has none).
# Output: failed or now where it is not as shown; network=gone where there is no such network; holder (name) where another container
# has the address: nothing was changed then. Else status and message of Docker, undo (Docker's words, where it was connected again),
# and after (see `repair_look.sh`).
: "${network?}" "${address?}" "${old_network?}" "${old_name?}" "${old_address?}"

. ./repair_look.sh

unchanged || exit 0
# shellcheck disable=SC2016 # these are variables of Docker's template
if ! members=$(timeout 60 docker network inspect --format '{{range $id, $end := .Containers}}
{{$id}} {{$end.IPv4Address}} {{$end.Name}}{{end}}' "$network" 2>&1); then
  printf '%s\n' "$members" | sed 's/^/network=/'
  exit 0
fi
holder=$(printf '%s\n' "$members" | awk -v me="$container" -v address="$address" \
  '{ split($2, part, "/") } $1 != me && part[1] == address { print $3 }')
if [ -n "$holder" ]; then
  printf '%s\n' "$holder" | sed 's/^/holder=/'
  exit 0
fi

# Its names on the network stay: they are part of how others reach it. Docker adds the short id itself.
aliases=$(timeout 60 docker container inspect --format "{{range \$name, \$end := .NetworkSettings.Networks}}{{if eq \$name \"$old_name\"}}{{range \$end.Aliases}}{{println .}}{{end}}{{end}}{{end}}" "$container" 2>/dev/null)
set --
for alias in $aliases; do
  case $container in
    "$alias"*) ;;
    *) set -- "$@" --alias "$alias" ;;
  esac
done

leave() {
  # A connection to a deleted network can only be removed with force.
  timeout 60 docker network disconnect --force "$1" "$container" 2>&1
}

status=0
if [ -n "$old_network" ]; then
  message=$(leave "$old_network")
  status=$?
fi
if [ "$status" -eq 0 ]; then
  message=$(timeout 60 docker network connect --ip "$address" "$@" "$network" "$container" 2>&1)
  status=$?
  if [ "$status" -ne 0 ]; then
    # Docker may go on listing a connection that failed.
    leave "$network" >/dev/null
    if [ -n "$old_network" ]; then
      undo=$(timeout 60 docker network connect ${old_address:+--ip "$old_address"} "$@" "$old_network" "$container" 2>&1)
      printf '%s\n' "$undo" | sed 's/^/undo=/'
    fi
  fi
fi
echo "status=$status"
printf '%s\n' "$message" | sed 's/^/message=/'
after
exit 0
