# Connects to ports at the host's own loopback, from the host. Needs bash, whose /dev/tcp and /dev/udp are no files.
# Variables: targets (a line `NUMBER tcp|udp ADDRESS PORT` for each port), seconds (to connect, and the same again for an answer),
# at_once (processes).
# Output: tool=missing where there is no bash; else port_NUMBER (open, refused, silent, or what bash says), and with it reply_NUMBER:
# the first characters of the answer to a request for a page.
: "${targets?}" "${seconds?}" "${at_once?}"

if ! command -v bash >/dev/null 2>&1; then
  echo tool=missing
  exit 0
fi

# Arguments: number, protocol, address, port.
probe() {
  message=$(
    # shellcheck disable=SC2016  # bash expands them
    LC_ALL=C timeout "$seconds" bash -c 'exec 3<>"/dev/$1/$2/$3" || exit 1
      # Only the second datagram learns that the first was refused.
      [ "$1" = tcp ] || { echo >&3; sleep 0.5; echo >&3; }' bash "$2" "$3" "$4" 2>&1
  )
  case $?:$message in
    0:*) echo "port_$1=open" ;;
    124:*) echo "port_$1=silent" ;;
    *refused*) echo "port_$1=refused" ;;
    *)
      message=$(printf '%s\n' "$message" | tail -n 1)
      echo "port_$1=${message:-failed}"
      ;;
  esac
}

# Arguments: number, address, port.
page() {
  reply=$(
    # shellcheck disable=SC2016  # bash expands them
    timeout "$seconds" bash -c 'exec 3<>"/dev/tcp/$1/$2"
      printf "GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: ipvlan-fabric\r\n\r\n" "$1" >&3
      IFS= read -r -n 12 reply <&3
      printf %s "$reply"' bash "$2" "$3" 2>/dev/null | tr -cd ' -~'
  )
  echo "reply_$1=$reply"
}

count=0
while read -r number protocol address port; do
  (
    result=$(probe "$number" "$protocol" "$address" "$port")
    echo "$result"
    case $protocol:$result in tcp:*=open) page "$number" "$address" "$port" ;; esac
  ) &
  count=$((count + 1))
  if [ "$count" -ge "$at_once" ]; then
    wait
    count=0
  fi
done <<TARGETS
$targets
TARGETS
wait
