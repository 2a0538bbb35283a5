# Disconnects a container from Docker's network bridge.
# Variables: id (of the container; what has its name now may be somebody else's), seconds (for the end of the connection).
# Output: status and message of the command, container (JSON, as Docker inspects it; nothing where there is none).
: "${id?}" "${seconds?}"

message=$(timeout "$seconds" docker network disconnect bridge "$id" 2>&1)
echo "status=$?"
printf '%s\n' "$message" | sed 's/^/message=/'
timeout 60 docker container inspect "$id" 2>/dev/null | sed 's/^/container=/'
exit 0
