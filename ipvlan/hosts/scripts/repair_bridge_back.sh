# Connects a container to Docker's network bridge again, as it was before a repair that failed.
# Variables: container (its id).
# Output: status and message of Docker; a connection that is there is a success.
: "${container?}"

message=$(timeout 60 docker network connect bridge "$container" 2>&1)
status=$?
case $message in
  *"already exists"*) status=0 ;;
esac
echo "status=$status"
printf '%s\n' "$message" | sed 's/^/message=/'
exit 0
