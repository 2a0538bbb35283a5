# Runs on the host, before anything is made there: can it carry the fabric? Changes nothing.
# Given: host, parent, network, stack (names of the plan). Prints the facts it found; each problem is one line on standard error.
problems=0
problem() { printf 'host "%s": %s\n' "$host" "$1" >&2; problems=$((problems + 1)); }

link=${parent%%.*}
if [ ! -e "/sys/class/net/$parent" ] && [ ! -e "/sys/class/net/$link" ]; then
  nics=$(ls /sys/class/net | grep -vE '^(lo|docker.*|br-.*|veth.*)$' | tr '\n' ' ')
  problem "parent \"$parent\" (ipvlan-fabric:hosts.$host.parent) does not exist; the network would have no way out of the host. It has: ${nics:-none}. Name one of these."
elif [ -e "/sys/class/net/$parent" ] && [ "$(cat "/sys/class/net/$parent/operstate")" = down ]; then
  problem "parent \"$parent\" (ipvlan-fabric:hosts.$host.parent) is down; containers would be unreachable. Bring it up: ip link set $parent up."
fi

kernel=$(uname -r)
if [ ! -d /sys/module/ipvlan ] && ! modprobe -n -q ipvlan 2>/dev/null && ! modprobe -q ipvlan 2>/dev/null &&
  ! find "/lib/modules/$kernel" -name 'ipvlan.ko*' 2>/dev/null | grep -q . &&
  ! grep -qs 'ipvlan\.ko' "/lib/modules/$kernel/modules.builtin"; then
  problem "its kernel $kernel has no ipvlan module; Docker could not make the network. Install a kernel with CONFIG_IPVLAN (4.2 or later; Debian's and Ubuntu's own have it)."
fi

if ! command -v docker >/dev/null 2>&1; then
  problem "there is no \`docker\` command for $(id -un) on it; nothing can be made there. Install Docker Engine and its command line."
elif ! server=$(timeout 30 docker version --format '{{.Server.Version}}' 2>&1); then
  problem "Docker does not answer: $(printf %s "$server" | tail -n 1). Start it (systemctl start docker), or let $(id -un) use its socket (group docker)."
else
  echo "docker $server"
fi
echo "kernel $kernel"
[ "$problems" -eq 0 ]
