# Removes what a rehearsal leaves: its container, and the volumes that Docker created for it. What else has the name stays.
# Variables: name (of the rehearsal's container), label and value (its owner label), volumes (names, with a space between them),
# remove (yes: none of the volumes was there before the rehearsal, so they are removed; else empty).
# Output:
#   removed  id of the rehearsal's container
#   id, labels (JSON) and kept (label or running)  what has the name and stays, and why
#   missing  a volume that is not there
#   used     a volume that is in use by now, and stays
#   docker_failure  Docker's words where it does not list the volumes
: "${name?}" "${label?}" "${value?}" "${volumes?}" "${remove?}"

# Docker takes a name for the first digits of an id where no container has it. Names, ids and the owner label have no quotes.
template="{{.Name}} {{.Id}} {{.State.Status}} {{.State.StartedAt}} {{eq (index .Config.Labels \"$label\") \"$value\"}}"
line=$(timeout 60 docker container inspect --format "$template" "$name" 2>/dev/null)
# shellcheck disable=SC2086  # none of the values has a space
set -- $line
if [ "${1:-}" = "/$name" ]; then
  id=$2 status=$3 started=$4 kept=
  [ -n "$value" ] && [ "$5" = true ] || kept=label
  # A rehearsal is never started. Without --force: if somebody starts it now, it stays.
  [ -n "$kept" ] || { [ "$status" = created ] && [ "${started#0001-}" != "$started" ]; } || kept=running
  # --volumes: those without a name, which are the container's own.
  [ -n "$kept" ] || timeout 60 docker container rm --volumes "$id" >/dev/null || kept=running
  if [ -n "$kept" ]; then
    echo "id=$id"
    echo "labels=$(timeout 60 docker container inspect --format '{{json .Config.Labels}}' "$id")"
    echo "kept=$kept"
  else
    echo "removed=$id"
  fi
fi

[ -n "$volumes" ] || exit 0
# A volume that cannot be read is not one that is missing: the list says what is there.
if ! listed=$(timeout 60 docker volume ls --format '{{.Name}}' 2>&1); then
  echo "docker_failure=$(printf '%s\n' "$listed" | tail -n 1)"
  exit 0
fi
for volume in $volumes; do
  if ! printf '%s\n' "$listed" | grep -Fqx -e "$volume"; then
    echo "missing=$volume"
  elif [ "$remove" = yes ]; then
    # Docker refuses to remove a volume that a container uses, also one that is stopped.
    timeout 60 docker volume rm "$volume" >/dev/null 2>&1 || echo "used=$volume"
  fi
done
exit 0
