# Reads what the fabric needs of a host beside Docker. Changes nothing.
# Variables: parent (the NIC that carries the fabric), shim (the host's own link on it; empty where none is planned), files (the
# folder of the containers' files).
# Output: kernel (its release), parent_operstate, parent_mtu and parent_flags (sysfs; missing where there is no such NIC),
# uid (of the ssh user), route (a line for each, as `ip route` prints them), shim (the link's IPv4 address),
# files (yes where the folder is there).
: "${parent?}" "${shim?}" "${files?}"

# No process but `ip` is started: each costs a busy host up to a tenth of a second.
read -r kernel </proc/sys/kernel/osrelease
echo "kernel=$kernel"
for attribute in operstate mtu flags; do
  if [ -r "/sys/class/net/$parent/$attribute" ] && read -r value <"/sys/class/net/$parent/$attribute"; then
    echo "parent_$attribute=$value"
  fi
done
while read -r field value; do
  case $field in Uid:) echo "uid=${value%%[!0-9]*}" ;; esac
done </proc/self/status
ip -4 -o route show | while read -r route; do echo "route=$route"; done
if [ -n "$shim" ]; then
  ip -4 -o addr show dev "$shim" 2>/dev/null | while read -r _ _ _ address _; do echo "shim=${address%/*}"; done
fi
if [ -e "$files" ]; then echo files=yes; fi
