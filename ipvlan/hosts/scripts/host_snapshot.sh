# Reads what the fabric needs of a host beside Docker. Changes nothing.
# Variables: parent (the NIC that carries the fabric), shim (the host's own link on it; empty where none is planned), files (the
# folder of the containers' files), nftables (yes where Docker's rules are in nftables; else empty).
# Output: kernel (its release), parent_operstate, parent_mtu and parent_flags (sysfs; missing where there is no such NIC),
# uid (of the ssh user), route (a line for each, as `ip route` prints them), shim (the link's IPv4 address),
# forward (0 or 1: whether the kernel forwards IPv4), files (yes where the folder is there); where Docker's rules are in nftables,
# what forward_rules.sh prints.
: "${parent?}" "${shim?}" "${files?}" "${nftables?}"
. ./forward_rules.sh

# No process but `ip` is started: each costs a busy host up to a tenth of a second.
read -r kernel </proc/sys/kernel/osrelease
echo "kernel=$kernel"
for attribute in operstate mtu flags; do
  if [ -r "/sys/class/net/$parent/$attribute" ] && read -r value <"/sys/class/net/$parent/$attribute"; then
    echo "parent_$attribute=$value"
  fi
done
while read -r field value; do
  case $field in Uid:) uid=${value%%[!0-9]*}; echo "uid=$uid" ;; esac
done </proc/self/status
ip -4 -o route show | while read -r route; do echo "route=$route"; done
if [ -n "$shim" ]; then
  ip -4 -o addr show dev "$shim" 2>/dev/null | while read -r _ _ _ address _; do echo "shim=${address%/*}"; done
fi
# A shell that reads byte by byte sees no end of line in a number of /proc/sys, and calls it a failure.
read -r forward </proc/sys/net/ipv4/ip_forward
echo "forward=$forward"
if [ "$nftables" = yes ]; then forward_rules "$uid"; fi
if [ -e "$files" ]; then echo files=yes; fi
