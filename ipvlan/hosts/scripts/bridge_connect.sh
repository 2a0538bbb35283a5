# Connects a container to Docker's network bridge, as its gateway.
# Variables: name (the container), priority (the bridge's gateway priority), needs_priority (true where the fabric's name sorts
# before "bridge": without priorities the connection would bind no port, and Docker would not say so), priority_api (the first
# version of the Engine API with priorities), ports (a line `tcp 80` for each port on the host).
# Output: refused=no-priority and nothing else where priorities are needed and Docker has none; else status and message of the
# connection, container (JSON, as Docker inspects it), and where it failed holder_tcp_80 (who listens on the port).
: "${name?}" "${priority?}" "${needs_priority?}" "${priority_api?}" "${ports?}"

. ./bridge_sweep.sh

# An older command line does not know --gw-priority, an older daemon refuses it: both leave everything as it was.
attach() {
  if message=$(timeout 60 docker network connect --gw-priority "$priority" bridge "$name" 2>&1); then return 0; fi
  case $message in
    *"unknown flag"* | *"requires API version"*)
      message=$(timeout 60 docker network connect bridge "$name" 2>&1)
      ;;
    *) return 1 ;;
  esac
}

connect() {
  attach && return 0
  case $message in
    *"already exists"* | *"o such container"*) return 1 ;;
    *"conflicts with existing route"*)
      sweep 2>/dev/null
      attach && return 0
      ;;
  esac
  sweep 2>/dev/null
  return 1
}

has_priority() {
  docker network connect --help 2>/dev/null | grep -q gw-priority &&
    docker version --format '{{.Server.APIVersion}}' |
    awk -F. -v needed="$priority_api" '{ split(needed, part, "."); exit !($1 > part[1] || $1 == part[1] && $2 >= part[2]) }'
}

holders() {
  printf '%s\n' "$ports" | while read -r protocol port; do
    [ -n "$port" ] || continue
    ss -Hlnp "--$protocol" "sport = :$port" 2>/dev/null | while read -r _ _ _ local _ process; do
      echo "holder_${protocol}_$port=$local $process"
    done
  done
}

if "$needs_priority" && ! has_priority; then
  echo "refused=no-priority"
  exit 0
fi
message=
connect
status=$?
echo "status=$status"
printf '%s\n' "$message" | sed 's/^/message=/'
timeout 60 docker container inspect "$name" 2>/dev/null | sed 's/^/container=/'
[ "$status" -eq 0 ] || holders
exit 0
