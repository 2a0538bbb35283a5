# Pings addresses or names from the network namespace that it runs in. It is entered once: that costs as much as a ping.
# Variables: targets (a line `NUMBER ADDRESS` for each ping), seconds (until a ping is given up; one is sent each second until the
# first answer), limit (seconds for the lookup of a name and its ping together; empty where there are no names: what ping itself
# limits begins after the lookup), at_once (processes).
# Output: ping_NUMBER (exit status of ping: 0 answered, 127 there is no ping, else no answer).
: "${targets?}" "${seconds?}" "${limit?}" "${at_once?}"

if [ -n "$limit" ]; then set -- timeout "$limit" ping; else set -- ping; fi
count=0
while read -r number address; do
  (
    "$@" -n -q -c 1 -w "$seconds" "$address" >/dev/null 2>&1
    echo "ping_$number=$?"
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
