# Reads the bridge connection of a container.
# Variables: id (of the container).
# Output: container (JSON, as Docker inspects it; nothing where there is none), docker (yes where the daemon answers).
: "${id?}"

timeout 60 docker container inspect "$id" 2>/dev/null | sed 's/^/container=/'
timeout 60 docker version --format '{{.Server.Version}}' >/dev/null && echo "docker=yes"
exit 0
