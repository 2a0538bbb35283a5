# Removes the container or network that an interrupted `up` created and did not record. What else has the name stays.
# Variables: kind (container or network), name, label and value (its owner label, as this stack writes it for this place),
# interrupted (yes where the stack's state has the creation as begun and not ended, else empty), deleted (the id that the state has
# as deleted for a replacement, else empty).
# Output: removed (the id), or id, labels (JSON) and kept (why it stays): label, image, running or used; nothing where nothing has
# the name.
: "${kind?}" "${name?}" "${label?}" "${value?}" "${interrupted?}" "${deleted?}"

# Names, ids and the owner label have no quotes, so a template can hold them.
is_ours=".Labels \"$label\") \"$value\"}}"

keep() {
  echo "kept=$1"
  exit 0
}

case $kind in
  container)
    # Docker takes a name for the first digits of an id where no container has it.
    template="{{.Name}} {{.Id}} {{.Image}} {{.State.Status}} {{.State.StartedAt}} {{eq (index .Config$is_ours"
    line=$(timeout 60 docker container inspect --format "$template" "$name" 2>/dev/null) || exit 0
    # shellcheck disable=SC2086  # none of the values has a space
    set -- $line
    [ "$1" = "/$name" ] || exit 0
    id=$2 image=$3 status=$4 started=$5 labelled=$6
    echo "id=$id"
    echo "labels=$(timeout 60 docker container inspect --format '{{json .Config.Labels}}' "$id")"
    [ -n "$value" ] && [ "$labelled" = true ] || keep label
    # `docker commit` writes a container's labels into the image.
    config=$(timeout 60 docker image inspect --format '{{json .Config}}' "$image") || keep image
    case $config in *"\"$label\""*) keep image ;; esac
    if [ "$status" = created ] && [ "${started#0001-}" != "$started" ]; then
      # It never ran. Without --force: if somebody starts it now, it stays.
      timeout 60 docker container rm "$id" >/dev/null || keep running
    elif [ "$interrupted" = yes ] || [ "$id" = "$deleted" ]; then
      timeout 60 docker container rm --force "$id" >/dev/null || keep running
    else
      keep running
    fi
    echo "removed=$id"
    ;;
  network)
    # The filter matches a part of a name; several networks can have one.
    for id in $(timeout 60 docker network ls -q --no-trunc --filter "name=$name"); do
      line=$(timeout 60 docker network inspect --format "{{.Name}} {{eq (index $is_ours" "$id") || continue
      [ "${line% *}" = "$name" ] || continue
      echo "id=$id"
      echo "labels=$(timeout 60 docker network inspect --format '{{json .Labels}}' "$id")"
      [ -n "$value" ] && [ "${line##* }" = true ] || keep label
      # Stopped containers too, which Docker would let lose their network.
      users=$(timeout 60 docker ps -aq --filter "network=$id" --filter "network=$name") || keep used
      [ -z "$users" ] || keep used
      timeout 60 docker network rm "$id" >/dev/null || keep used
      echo "removed=$id"
      exit 0
    done
    ;;
esac
exit 0
