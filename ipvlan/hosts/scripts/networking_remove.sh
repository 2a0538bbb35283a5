# Removes the host's routes and shim, with unit and drop-ins. Needs root. Succeeds when nothing is left of them.
# Variables: units, networks and runtime (folders, see networking_apply.sh), unit (file name of the unit), drop_in (file name), routes (a
# line `DESTINATION VIA` for each), shim (name of the link; empty where there is none).
# Output: problem (why nothing was changed). The exit status is 1 then.
: "${units?}" "${networks?}" "${runtime?}" "${unit?}" "${drop_in?}" "${routes?}" "${shim?}"

. ./networking_drop_ins.sh

if [ ! -d "$runtime/system" ]; then
  echo "problem=it is not run by systemd, and routes would be lost at its next boot"
  exit 1
fi
systemctl disable --quiet --now "$unit" 2>/dev/null
rm -f "$units/$unit" "$units/$unit.new"
remove_unfinished_drop_ins
remove_drop_ins
printf '%s\n' "$routes" | while read -r destination via; do
  [ -z "$destination" ] || ip route del "$destination" via "$via" 2>/dev/null
done
[ -z "$shim" ] || ip link del "$shim" 2>/dev/null
systemctl daemon-reload
systemctl reset-failed "$unit" 2>/dev/null
exit 0
