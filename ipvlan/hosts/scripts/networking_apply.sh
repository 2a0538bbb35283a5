# Sets the host's routes and shim, now and for every boot. Needs root. Routes that stay are never removed in between.
# Variables: units, networks and runtime (folders: of systemd's units, of networkd's .network files, of /run/systemd), unit (file name
# of the unit), unit_text, mark (its first line), drop_in (file name), parent (the NIC that carries the fabric), routes (a line
# `DESTINATION VIA` for each), shim and slice (name of the link, and what is reached over it, with spaces in between; empty where there is none), old_routes
# (those that are no longer planned), old_shim and old_address (of a link that is no longer planned; empty where there is none), old_over
# (a line `DESTINATION LINK ADDRESS` for each route over a shim that is no longer planned).
# Output: problem (why nothing was changed, or what failed), or foreign_unit, foreign_link or foreign_route (what is there and not the
# fabric's: a path, a name, and the route as `ip route` prints it). The exit status is 1 then.
: "${units?}" "${networks?}" "${runtime?}" "${unit?}" "${unit_text?}" "${mark?}" "${drop_in?}" "${parent?}" "${routes?}"
: "${shim?}" "${slice?}" "${old_routes?}" "${old_shim?}" "${old_address?}" "${old_over?}"

. ./networking_drop_ins.sh
. ./networking_ownership.sh

require_systemd() {
  if [ ! -d "$runtime/system" ]; then
    echo "problem=it is not run by systemd, and routes would be lost at its next boot"
    exit 1
  fi
}

# A route that covers a network which the host is part of would cut the host off. Over the shim it may be around such a network or
# in one, as on a LAN: the longer prefix wins. The same prefix would replace the kernel's route.
refuse_own_networks() {
  covered=$(
    printf '%s\n' "$routes" | while read -r destination _; do
      [ -n "$destination" ] || continue
      # Networks in the destination, and networks that the destination is in.
      {
        ip -4 route show root "$destination" proto kernel
        ip -4 route show match "$destination" proto kernel
      } | sort -u | while read -r own rest; do
        echo "problem=a route to $destination would cover $own, a network of its own ($rest)"
      done
    done
    for destination in $slice; do
      ip -4 -o route show exact "$destination" proto kernel | while read -r own rest; do
        case " $rest " in
          *" dev $shim "*) ;;
          *) echo "problem=a route to $destination over $shim would replace that of $own, a network of its own ($rest)" ;;
        esac
      done
    done
  )
  if [ -n "$covered" ]; then
    printf '%s\n' "$covered"
    exit 1
  fi
}

# What is there and was not set by the fabric is never replaced. Set by it is what its unit removes when it is stopped.
refuse_foreign() {
  foreign=$(
    if [ -n "$shim" ] && ip link show dev "$shim" >/dev/null 2>&1 && ! is_own_link "$shim"; then echo "foreign_link=$shim"; fi
    printf '%s\n' "$routes" | while read -r destination via; do
      [ -n "$destination" ] || continue
      ip -4 -o route show exact "$destination" | while read -r route; do
        is_own_route "$destination" "$via" "$route" || is_own_shim_route "$destination" "$route" || echo "foreign_route=$route"
      done
    done
    for destination in $slice; do
      ip -4 -o route show exact "$destination" | while read -r route; do
        # The route to a single address is printed without its prefix length.
        case "$route " in
          "${destination%/32} dev $shim "*) ;;
          *) is_own_route "$destination" "" "$route" || echo "foreign_route=$route" ;;
        esac
      done
    done
  )
  if [ -n "$foreign" ]; then
    printf '%s\n' "$foreign"
    exit 1
  fi
}

# Arguments: a planned destination, its gateway (empty where it is planned over the shim), and a route to it as `ip route` prints it.
is_own_route() {
  case "$3 " in
    *"nexthop"*) return 1 ;;
    *" via ${2:-none} "*) return 0 ;;
    *" metric "*) return 1 ;;
    *" via "*) ;;
    *) return 1 ;;
  esac
  gateway=${3#* via }
  gateway=${gateway%% *}
  printf '%s\n' "$old_routes" | grep -qxF "$1 $gateway" ||
    grep -qsxF "ExecStop=-ip route delete $1 via $gateway" "$units/$unit"
}

# Arguments: a planned destination, and a route to it as `ip route` prints it.
is_own_shim_route() {
  over=${2#* dev }
  over=${over%% *}
  source=${2#* src }
  source=${source%% *}
  [ "${2% linkdown}" = "${1%/32} dev $over scope link src $source" ] && is_own_link "$over" || return 1
  printf '%s\n' "$old_over" | grep -qxF "$1 $over $source" ||
    grep -qsxF "ExecStart=ip route replace $1 dev $over src $source" "$units/$unit"
}

remove_old() {
  remove_own_routes "$old_routes"
  [ -z "$old_shim" ] || remove_own_link "$old_shim" "$old_address"
}

write_unit() {
  mkdir -p "$units" && printf '%s' "$unit_text" >"$units/$unit.new" && mv -f "$units/$unit.new" "$units/$unit"
}

# The file is for networkd's next start. The unit sets the routes now: a reload of networkd would touch the link.
write_drop_ins() {
  remove_unfinished_drop_ins
  printf '%s\n' "$routes" | while read -r destination via; do
    [ -n "$destination" ] || continue
    link=$(ip -4 -o route get "$via" | sed -n 's/.* dev \([^ ]*\).*/\1/p')
    index=$(ip -o link show dev "$link" | sed 's/:.*//')
    network=$(sed -n 's/^NETWORK_FILE=//p' "$runtime/netif/links/$index" 2>/dev/null)
    [ -n "$network" ] || continue
    folder="$networks/${network##*/}.d"
    mkdir -p "$folder" || exit 1
    printf '[Route]\nDestination=%s\nGateway=%s\n' "$destination" "$via" >>"$folder/$drop_in.new" || exit 1
  done || return 1
  remove_drop_ins
  for file in "$networks"/*.network.d/"$drop_in.new"; do
    if [ -e "$file" ]; then mv -f "$file" "${file%.new}" || return 1; fi
  done
}

start_unit() {
  systemctl daemon-reload
  systemctl enable --quiet "$unit" 2>/dev/null
  # Reloads, and does not restart: a restart would remove all routes for a moment.
  systemctl reload-or-restart "$unit" && return 0
  systemctl status --no-pager --lines=5 "$unit" 2>&1 | tail -n 5 | sed 's/^/problem=/'
  return 1
}

require_systemd
require_own_unit
refuse_own_networks
refuse_foreign
remove_old
write_unit || exit 1
write_drop_ins || exit 1
start_unit || exit 1
# Not before: a destination that is now in a larger or smaller one is reached all the time.
remove_own_shim_routes "$old_over"
