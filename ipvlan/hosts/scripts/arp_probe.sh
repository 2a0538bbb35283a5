# Probes IPv4 addresses on the parent's LAN by ARP (RFC 5227). Needs root.
# Variables: parent (the NIC), addresses (one a line), probes (of one address, one each second), at_once (processes).
# Output: missing (why nothing was probed), or for each address status_ADDRESS (of arping: 0 nobody, 1 somebody answered, else an
# error) and message_ADDRESS (what arping printed, in one line).
: "${parent?}" "${addresses?}" "${probes?}" "${at_once?}"

if ! arping -V 2>&1 | grep -q iputils; then
  echo "missing=it has no arping of iputils"
  exit 0
fi
count=0
while read -r address; do
  (
    message=$(arping -D -c "$probes" -w "$probes" -I "$parent" "$address" 2>&1)
    status=$?
    set -f
    # shellcheck disable=SC2086  # the words of all lines
    set -- $message
    # One write, or the lines of two probes would mix.
    printf 'status_%s=%s\nmessage_%s=%s\n' "$address" "$status" "$address" "$*"
  ) &
  count=$((count + 1))
  if [ "$count" -ge "$at_once" ]; then
    wait
    count=0
  fi
done <<ADDRESSES
$addresses
ADDRESSES
wait
