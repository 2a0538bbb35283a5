# Defines sweep: removes the link that a failed connection to the bridge has left in a container. Needs root.
# Variables: name (the container).
#
# When Docker cannot bind a port, `network connect` fails and its veth stays in the container with an address of the bridge's subnet
# (https://github.com/moby/moby/pull/50945; measured on Docker 26.1). The next connection then fails as well: "conflicts with
# existing route". To be called only while the container is not connected to the bridge: all such links in it are stale then.
# The fabric's own link is safe: it is no veth, and has no address of that subnet.
: "${name?}"

sweep() {
  pid=$(timeout 60 docker container inspect --format '{{.State.Pid}}' "$name" 2>/dev/null) || return 0
  subnet=$(ip -o -4 addr show docker0 2>/dev/null | awk '{ print $4; exit }')
  if [ "${pid:-0}" -eq 0 ] || [ -z "$subnet" ]; then return 0; fi
  nsenter -t "$pid" -n ip -o -4 addr show to "$subnet" | awk '{ print $2 }' | while read -r link; do
    # `ip -4 addr show type veth` takes every type (iproute2 6.1).
    if [ -n "$(nsenter -t "$pid" -n ip -o link show dev "$link" type veth)" ]; then
      nsenter -t "$pid" -n ip link del "$link"
    fi
  done
}
