# Asks Docker by its command line, where its socket gave no answer: that is how `pulumi up` reaches it too. Changes nothing.
# Variables: docker_seconds (time limit of each of two questions).
# Output:
#   engine          id of the Engine
#   security        its security options (JSON)
#   folder          of its images and containers
#   docker_failure  Docker's words where it does not answer
: "${docker_seconds?}"

reply=$(timeout "$docker_seconds" docker info --format 'folder={{.DockerRootDir}}
engine={{.ID}}
security={{json .SecurityOptions}}' 2>/dev/null)
if printf '%s\n' "$reply" | grep -q '^engine=.'; then
  printf '%s\n' "$reply"
else
  # The command above leaves its template empty, says nothing, and succeeds (Docker 26.1).
  words=$(timeout "$docker_seconds" docker version --format '{{.Server.Version}}' 2>&1)
  status=$?
  case $status in
    124) echo "docker_failure=no answer within $docker_seconds seconds" ;;
    *) echo "docker_failure=$(printf '%s\n' "$words" | tail -n 1)" ;;
  esac
fi
