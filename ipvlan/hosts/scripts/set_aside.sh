# Makes a restored container the spare again, so that its name is free. Safe to repeat.
# Variables: those of `container_identity.sh`; name and previous (names of containers).
# Output: taken (a line `NAME ID`), and nothing was done, where something that is not ours has the spare's name; step and message
# where Docker refuses; aside (id; nothing where no restored container has the name). Then done.
: "${name?}" "${previous?}"

. ./container_identity.sh

identify "$name"
if [ "$whose" != ours ] || [ -z "$record" ]; then
  echo "done=yes"
  exit 0
fi
restored=$id
identify "$previous"
if [ "$whose" = others ] || { [ "$whose" = ours ] && [ -z "$record" ]; }; then
  echo "taken=$previous $id"
  echo "done=no"
  exit 0
fi
# Without -v: the anonymous volumes may be those of the restored one.
[ "$whose" = none ] || must "the older $previous ($id) is not removed" rm -f "$id"
# It served until now, and has the time to end that it is to have.
own=$(timeout 30 docker container inspect --format '{{with .Config.StopTimeout}}{{.}}{{else}}10{{end}}' "$restored" 2>/dev/null)
must "the restart policy of $name ($restored) is not set" update --restart no "$restored"
patience=$((${own:-10} + 60))
must "$name ($restored) is not stopped" stop "$restored"
patience=60
must "$name ($restored) is not renamed to $previous" rename "$restored" "$previous"
echo "aside=$restored"
echo "done=yes"
exit 0
