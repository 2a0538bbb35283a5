# Removes what a change of a container leaves on a host, with its anonymous volumes. What others have under these names stays.
# Variables: those of `container_identity.sh`; name, previous, failed and rehearsal (names of containers), also_restored (yes to
# remove the container of that name too, where it is a restored one).
# Output: removed (a line `NAME ID` for each), done=yes; step and message where Docker refuses a removal.
: "${name?}" "${previous?}" "${failed?}" "${rehearsal?}" "${also_restored?}"

. ./container_identity.sh

volumes=
# Argument: the name of the container that was identified.
remove() {
  volumes="$volumes $(recorded_volumes "$record")"
  # -v takes its own anonymous volumes, and none that another container uses.
  must "$1 ($id) is not removed" rm -f -v "$id"
  echo "removed=$1 $id"
}

identify "$rehearsal"
[ "$whose" != ours ] || remove "$rehearsal"
identify "$failed"
[ "$whose" != ours ] || remove "$failed"
identify "$previous"
if [ "$whose" = ours ] && [ -n "$record" ]; then remove "$previous"; fi
if [ "$also_restored" = yes ]; then
  identify "$name"
  if [ "$whose" = ours ] && [ -n "$record" ]; then remove "$name"; fi
fi
# Docker refuses to remove a volume that a container uses, also a stopped one.
for volume in $volumes; do
  timeout 60 docker volume rm "$volume" >/dev/null 2>&1
done
echo "done=yes"
exit 0
