# Starts a container that is still as it was shown to the user; a paused one goes on.
# Variables: those of `repair_look.sh`.
# Output: failed or now where it is not (see there); else status and message of Docker, and after (see there).

. ./repair_look.sh

unchanged || exit 0
case $expected in
  *" paused"*) message=$(timeout 60 docker unpause "$container" 2>&1) ;;
  *) message=$(timeout 60 docker start "$container" 2>&1) ;;
esac
echo "status=$?"
printf '%s\n' "$message" | sed 's/^/message=/'
after
exit 0
