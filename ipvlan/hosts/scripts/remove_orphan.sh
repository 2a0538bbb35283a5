# Removes a container or network that has the given name and label.
# Variables: kind (container or network), pattern (its name as a regular expression), label (key=value).
# Output: removed (the id); nothing where there is none, or where Docker does not remove it: a network in use stays.
: "${kind?}" "${pattern?}" "${label?}"

# Docker's filters are regular expressions that match a part of a name.
case $kind in
  container)
    id=$(timeout 60 docker ps -aq --no-trunc --filter "name=^/?$pattern\$" --filter "label=$label" | head -n 1)
    [ -n "$id" ] && timeout 60 docker rm -f "$id" >/dev/null && echo "removed=$id"
    ;;
  network)
    id=$(timeout 60 docker network ls -q --no-trunc --filter "name=^$pattern\$" --filter "label=$label" | head -n 1)
    [ -n "$id" ] && timeout 60 docker network rm "$id" >/dev/null && echo "removed=$id"
    ;;
esac
exit 0
