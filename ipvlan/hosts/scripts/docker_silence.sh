# Says why Docker may give no answer. Changes nothing.
# Variables: socket (where it should listen).
# Output: socket (missing, where nothing is there), needs_forwarding (yes, where its rules are to be in nftables and the kernel does
# not forward: it ends at its start).
: "${socket?}"

[ -e "$socket" ] || echo socket=missing
# A shell that reads byte by byte sees no end of line in a number of /proc/sys, and calls it a failure.
read -r forward </proc/sys/net/ipv4/ip_forward
if [ "$forward" = 0 ] && grep -qs '"firewall-backend"[[:space:]]*:[[:space:]]*"nftables"' /etc/docker/daemon.json; then
  echo needs_forwarding=yes
fi
