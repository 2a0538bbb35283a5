# Runs on the host, before anything is made there: can it carry the fabric? Changes nothing.
# Given: host, parent (names of the plan), bridge (whether Docker's bridge is needed), needs (a line per rule of
# ipvlan.plan.docker_versions that would stop the plan: since, until, and what to say, with | between). Prints the facts it found; each problem is one line on standard error.
problems=0
problem() { printf 'host "%s": %s\n' "$host" "$1" >&2; problems=$((problems + 1)); }

link=${parent%%.*}
if [ ! -e "/sys/class/net/$parent" ] && [ ! -e "/sys/class/net/$link" ]; then
  # shellcheck disable=SC2010 # the kernel allows no blank or slash in the name of a network interface
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
  # An end that is left out is any version; numbers are compared part by part, what follows them counts for nothing.
  within() {
    printf '%s\n' "$1 ${2:-0.0.0} ${3:-999.0.0}" | awk '
      function value(text, part) { split(text, part, /[^0-9]/); return part[1] * 1000000 + part[2] * 1000 + part[3] }
      { exit !(value($1) >= value($2) && value($1) < value($3)) }'
  }
  while IFS='|' read -r since until said; do
    if [ -n "$said" ] && within "$server" "$since" "$until"; then problem "its Docker is $server: $said"; fi
  done <<NEEDS
$needs
NEEDS
  if "$bridge" && [ ! -e /sys/class/net/docker0 ] && ! timeout 30 docker network inspect bridge >/dev/null 2>&1; then
    problem "its Docker has no network bridge (\`bridge: none\` in its daemon.json?); nothing could be published there or go out by it. Let Docker have its bridge, or leave published and internet out for this host."
  fi
fi
echo "kernel $kernel"
[ "$problems" -eq 0 ]
