# Defines what tells the fabric's unit, link and routes from those of others.
# Variables: units (folder of systemd's units), unit (file name of the unit), mark (first line of every unit of the fabric), parent (the
# NIC that carries the fabric).
# Output: foreign_unit (path of a unit that is not the fabric's). The exit status is 1 then, and nothing was changed.
: "${units?}" "${unit?}" "${mark?}" "${parent?}"

require_own_unit() {
  if [ ! -e "$units/$unit" ] && [ ! -L "$units/$unit" ]; then return 0; fi
  first=
  IFS= read -r first <"$units/$unit"
  [ "$first" != "$mark" ] || return 0
  echo "foreign_unit=$units/$unit"
  exit 1
}

# Whether the link is an ipvlan link on the parent. Argument: its name.
is_own_link() {
  case $(ip -o link show dev "$1" type ipvlan 2>/dev/null) in
    *": $1@$parent: "*) return 0 ;;
  esac
  return 1
}

# Removes an ipvlan link on the parent. One that others have given an address stays, without the fabric's own address; the kernel
# removes the routes from that address with it. Arguments: its name and its address.
remove_own_link() {
  is_own_link "$1" || return 0
  if ip -4 -o addr show dev "$1" | while read -r _ _ _ held _; do
    [ "$held" = "$2/32" ] || echo "$held"
  done | grep -q .; then
    ip addr del "$2/32" dev "$1" 2>/dev/null
  else
    ip link del dev "$1"
  fi
}

# Removes routes that are as they were set. Argument: a line `DESTINATION VIA` for each.
remove_own_routes() {
  printf '%s\n' "$1" | while read -r destination via; do
    [ -z "$destination" ] || ip route del "$destination" via "$via" proto static 2>/dev/null
  done
}

# Removes routes over ipvlan links on the parent that are as they were set. Argument: a line `DESTINATION LINK ADDRESS` for each.
remove_own_shim_routes() {
  printf '%s\n' "$1" | while read -r destination over source; do
    if [ -n "$destination" ] && is_own_link "$over"; then
      ip route del "$destination" dev "$over" src "$source" proto boot 2>/dev/null
    fi
  done
  return 0
}
