# Disconnects a container from Docker's network bridge.
# Variables: name (the container).
# Output: status and message of the command, container (JSON, as Docker inspects it; nothing where there is none).
: "${name?}"

message=$(timeout 60 docker network disconnect bridge "$name" 2>&1)
echo "status=$?"
printf '%s\n' "$message" | sed 's/^/message=/'
timeout 60 docker container inspect "$name" 2>/dev/null | sed 's/^/container=/'
exit 0
