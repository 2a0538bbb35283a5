# Reads the host's routes and shim. Changes nothing.
# Variables: units (folder of systemd's units), unit (file name of the unit), shim (name of the link; empty where none is planned).
# Output: unit (its text), route (a line for each, as `ip route` prints them), address (of the shim, as `ip addr` prints it).
: "${units?}" "${unit?}" "${shim?}"

[ ! -e "$units/$unit" ] || sed 's/^/unit=/' "$units/$unit"
ip -4 -o route show | sed 's/^/route=/'
[ -z "$shim" ] || ip -4 -o addr show dev "$shim" 2>/dev/null | sed 's/^/address=/'
exit 0
