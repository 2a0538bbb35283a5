# Removes the host's routes and shim, with unit and drop-ins. Needs root. Succeeds when nothing is left of them.
# What is no longer as it was set belongs to somebody else, and stays.
# Variables: units, networks and runtime (folders, see networking_apply.sh), unit (file name of the unit), mark (its first line), drop_in
# (file name), parent (the NIC that carries the fabric), routes (a line `DESTINATION VIA` for each), shim and address (of the link; empty
# where there is none).
# Output: problem (why nothing was changed), or foreign_unit (path of a unit that is not the fabric's). The exit status is 1 then.
: "${units?}" "${networks?}" "${runtime?}" "${unit?}" "${mark?}" "${drop_in?}" "${parent?}" "${routes?}" "${shim?}" "${address?}"

. ./networking_drop_ins.sh
. ./networking_ownership.sh

if [ ! -d "$runtime/system" ]; then
  echo "problem=it is not run by systemd, and routes would be lost at its next boot"
  exit 1
fi
require_own_unit
systemctl disable --quiet "$unit" 2>/dev/null
rm -f "$units/$unit" "$units/$unit.new"
remove_unfinished_drop_ins
remove_drop_ins
# Without its file a unit that is stopped runs nothing: its own commands would delete a link by name alone.
systemctl daemon-reload
systemctl stop --quiet "$unit" 2>/dev/null
remove_own_routes "$routes"
[ -z "$shim" ] || remove_own_link "$shim" "$address"
systemctl reset-failed "$unit" 2>/dev/null
exit 0
