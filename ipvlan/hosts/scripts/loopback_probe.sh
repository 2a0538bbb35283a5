# Connects to ports at the host's own loopback, from the host. Needs bash, whose /dev/tcp and /dev/udp are no files.
# Variables: targets (a line `NUMBER tcp|udp ADDRESS PORT` for each port), seconds (a whole number: to connect, and the same again for
# an answer), at_once (processes).
# Output: tool=missing where there is no bash; else port_NUMBER (open, refused, silent, or what bash says) and, where it is open,
# reply_NUMBER (the first characters of the answer to a request for a page).
: "${targets?}" "${seconds?}" "${at_once?}"

if ! command -v bash >/dev/null 2>&1; then
  echo tool=missing
  exit 0
fi

# One connection for both: some servers take one at a time. Of a datagram only the second learns that the first was refused.
# shellcheck disable=SC2016  # bash expands them
connect='
  exec 3<>"/dev/$1/$2/$3" || exit 1
  if [ "$1" = udp ]; then
    echo >&3 && sleep 0.5 && echo >&3 || exit 1
    echo open
    exit 0
  fi
  echo open
  # What is said from here on is about a server that has closed already.
  exec 2>/dev/null
  printf "GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: ipvlan-fabric\r\n\r\n" "$2" >&3
  IFS= read -r -t "$4" -n 12 reply <&3
  printf "%s\n" "$reply"
'

# Arguments: number, protocol, address, port.
probe() {
  printed=$(LC_ALL=C timeout $((2 * seconds)) bash -c "$connect" bash "$2" "$3" "$4" "$seconds" 2>&1 | tr -cd ' -~\n')
  case $printed in
    open*)
      echo "port_$1=open"
      printf '%s\n' "$printed" | sed -n "2s/^/reply_$1=/p"
      ;;
    '') echo "port_$1=silent" ;;
    *refused*) echo "port_$1=refused" ;;
    *) printf '%s\n' "$printed" | sed -n "1s/^/port_$1=/p" ;;
  esac
}

count=0
while read -r number protocol address port; do
  probe "$number" "$protocol" "$address" "$port" &
  count=$((count + 1))
  if [ "$count" -ge "$at_once" ]; then
    wait
    count=0
  fi
done <<TARGETS
$targets
TARGETS
wait
