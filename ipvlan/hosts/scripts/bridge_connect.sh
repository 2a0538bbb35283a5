# Connects a container to Docker's network bridge, as its gateway.
# Variables: id and name (of the container), priority (the bridge's gateway priority), needs_priority (true where the fabric's name
# sorts before "bridge": without priorities the connection would bind no port, and Docker would not say so), priority_api (the first
# version of the Engine API with priorities), ports (a line `tcp 80` for each port on the host), seconds (for a connection).
# Output: refused, and nothing was done, where it cannot be connected: no-priority, absent (with holder: name, id, time of creation
# and image of the container that has the name now), renamed (with renamed_to), or network (with mode);
# else status and message of the connection, container (JSON, as Docker inspects it), what bridge_sweep.sh prints, and where it
# failed holder_tcp_80 (who listens on the port).
: "${id?}" "${name?}" "${priority?}" "${needs_priority?}" "${priority_api?}" "${ports?}" "${seconds?}"

. ./bridge_sweep.sh

# The container of that id, as declared: what has its name now may be somebody else's.
require_container() {
  # Its last line: a command line that cannot read its own settings complains first.
  reply=$(timeout 60 docker container inspect --format '{{.Id}} {{.Name}} {{.HostConfig.NetworkMode}}' "$id" 2>&1 | tail -n 1)
  case $reply in
    "$id /$name "*) ;;
    "$id "*)
      reply=${reply#* /}
      echo "refused=renamed"
      echo "renamed_to=${reply%% *}"
      exit 0
      ;;
    *"o such container"*)
      echo "refused=absent"
      timeout 60 docker container inspect --format 'holder={{.Name}} {{.Id}} {{.Created}} {{.Config.Image}}' "$name" 2>/dev/null
      exit 0
      ;;
    *)
      printf '%s\n' "$reply" >&2
      exit 0
      ;;
  esac
  case ${reply##* } in
    host | none | container:*)
      echo "refused=network"
      echo "mode=${reply##* }"
      exit 0
      ;;
  esac
}

# An older command line does not know --gw-priority, an older daemon refuses it: both leave everything as it was.
attach() {
  if message=$(timeout "$seconds" docker network connect --gw-priority "$priority" bridge "$id" 2>&1); then return 0; fi
  case $message in
    *"unknown flag"* | *"requires API version"*)
      message=$(timeout "$seconds" docker network connect bridge "$id" 2>&1)
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
  timeout 60 docker network connect --help 2>/dev/null | grep -q gw-priority &&
    timeout 60 docker version --format '{{.Server.APIVersion}}' |
    awk -F. -v needed="$priority_api" '{ split(needed, part, "."); exit !($1 > part[1] || $1 == part[1] && $2 >= part[2]) }'
}

line='
'
holders() {
  # Not once for each port: there may be thousands.
  printf '%s\n' "$ports" | cut -d ' ' -f 1 | sort -u | while read -r protocol; do
    [ -n "$protocol" ] || continue
    ss -Hlnp "--$protocol" 2>/dev/null | while read -r _ _ _ local _ process; do
      port=${local##*:}
      case "$line$ports$line" in
        *"$line$protocol $port$line"*) echo "holder_${protocol}_$port=$local $process" ;;
      esac
    done
  done
}

require_container
if "$needs_priority" && ! has_priority; then
  echo "refused=no-priority"
  exit 0
fi
message=
connect
status=$?
echo "status=$status"
printf '%s\n' "$message" | sed 's/^/message=/'
timeout 60 docker container inspect "$id" 2>/dev/null | sed 's/^/container=/'
[ "$status" -eq 0 ] || holders
exit 0
