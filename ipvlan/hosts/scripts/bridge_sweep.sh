# Defines sweep: removes the link that a failed connection to the bridge has left in a container. Needs root.
# Variables: id (the container).
# Output: kept (why a link that may be there stays), swept (name on the host of each link that was removed).
#
# When Docker cannot bind a port, `network connect` fails and its veth stays in the container
# (https://github.com/moby/moby/pull/50945; measured on Docker 26.1). The next connection then fails as well: "conflicts with
# existing route". Such a link is known by what it is, and not by its address (docs/decisions/0024-stale-links.md):
# - Docker's network bridge has no endpoint of the container, so no link of the container leads to the bridge by right;
# - on the host it is a port of Docker's bridge, with a name as Docker gives it, and its other end is this link of the container.
# It is removed by its name on the host, which no other link has. Nothing is changed from within the container's network.
: "${id?}"

# A subshell: an `exec` that fails ends it.
sweep() (
  pid=$(timeout 60 docker container inspect --format '{{.State.Pid}}' "$id")
  [ "${pid:-0}" -gt 0 ] || exit 0
  # A process id may become another process's. The network that this descriptor holds open stays what it is.
  exec 9<"/proc/$pid/ns/net"
  network=$(readlink /proc/self/fd/9)
  bridge=$(bridge_without_endpoint) || exit 0
  [ -n "$network" ] && is_only_its_own "$pid" "$network" || exit 0
  nsenter --net=/proc/self/fd/9 ip -o link show type veth | while IFS=' :@' read -r index _ peer _; do
    peer=${peer#if}
    case $peer in '' | *[!0-9]*) continue ;; esac
    link=$(port_of_bridge "$bridge" "$peer" "$index")
    if [ -n "$link" ] && ip link del dev "$link"; then echo "swept=$link"; fi
  done
)

# Prints the name of Docker's bridge, where it has no endpoint of the container. One that is being created is listed as ep-...,
# whosever it is.
bridge_without_endpoint() {
  # shellcheck disable=SC2016  # a template of Docker's
  template='{{with index .Options "com.docker.network.bridge.name"}}{{.}}{{else}}docker0{{end}}{{range $id, $_ := .Containers}} {{$id}}{{end}}'
  reply=$(timeout 60 docker network inspect bridge --format "$template") || return 1
  case "$reply " in ' ' | *" $id "* | *" ep-"*) return 1 ;; esac
  echo "${reply%% *}"
}

# Whether the container still is that process, and the network neither the host's nor that of another container, running or not.
# Arguments: the process id, and the network (what /proc/PID/ns/net links to).
is_only_its_own() {
  for process in self 1; do
    if [ "$(readlink "/proc/$process/ns/net")" = "$2" ]; then
      echo "kept=it is in the host's own network"
      return 1
    fi
  done
  ids=$(timeout 60 docker ps -aq --no-trunc) || return 1
  # A container that was removed since then is an error of this command, and no reason.
  # shellcheck disable=SC2086  # one argument per id
  containers=$(timeout 60 docker container inspect --format '{{.Id}} {{.State.Pid}} {{.HostConfig.NetworkMode}}' $ids)
  printf '%s\n' "$containers" | grep -q "^$id $1 " || return 1
  others=$(printf '%s\n' "$containers" | while read -r other other_pid mode; do
    [ "$other" != "$id" ] || continue
    if [ "$mode" = "container:$id" ] || [ "$(readlink "/proc/$other_pid/ns/net")" = "$2" ]; then
      echo "kept=container $other shares its network"
    fi
  done)
  [ -n "$others" ] || return 0
  printf '%s\n' "$others"
  return 1
}

# Prints the name of a link on the host, where it is a port of Docker's bridge and has a name as Docker gives it. Arguments: the
# bridge, the index of the link, and the index of its other end.
port_of_bridge() {
  ip -o link show master "$1" type veth | sed -n "s/^$2: \\(veth[0-9a-f]\\{7\\}\\)@if$3: .*/\\1/p"
}
