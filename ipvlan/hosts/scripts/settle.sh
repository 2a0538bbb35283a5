# Waits until a container is up, or until it is known that it does not come up. Changes nothing.
# Variables: id (of the container); steady (seconds that it must run without a restart), healthy_within (seconds until it must be
# healthy, where it has a health check), calm (seconds after a restart within which the restart counts), suffixes (a line for each end
# of a name that a container has which does not serve), log_lines and log_bytes (limits of what is printed of its log).
# Output: outcome (up, done, exited, restarting, created, dead, unhealthy, not-healthy-in-time, paused, absent or renamed), container
# (JSON, as Docker inspects it), log (its last lines); unavailable (Docker's words) instead, where Docker does not answer. Then done.
: "${id?}" "${steady?}" "${healthy_within?}" "${calm?}" "${suffixes?}" "${log_lines?}" "${log_bytes?}"

# Seconds since the host's boot: the clock may be set meanwhile.
seconds() {
  read -r up _ </proc/uptime
  echo "${up%%.*}"
}

# Sets running: for how many seconds the container runs. Argument: when it started, as Docker writes it.
age() {
  if [ "$1" != "$seen_start" ]; then seen_start=$1 seen_at=$(seconds); fi
  watched=$(($(seconds) - seen_at))
  day=${1%%T*} time=${1#*T}
  began=$(date -u -d "$day ${time%%[.Z]*}" +%s 2>/dev/null) || began=$(date +%s)
  clock=$(($(date +%s) - began))
  running=$((clock > watched ? clock : watched))
}

# Sets outcome where it is known.
look() {
  template='state {{.State.Status}} {{.RestartCount}} {{.State.StartedAt}} {{.State.ExitCode}} {{.Name}}'
  template="$template {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.HostConfig.RestartPolicy.Name}}"
  # Its last line: a command line that cannot read its own settings complains first.
  reply=$(timeout 20 docker container inspect --format "$template" "$id" 2>&1 | tail -n 1)
  case $reply in
    "state "*) unanswered=0 ;;
    *"o such container"*)
      outcome=absent
      return
      ;;
    *)
      # Docker may be restarted meanwhile.
      unanswered=$((unanswered + 1))
      [ "$unanswered" -lt 20 ] || outcome=unavailable
      return
      ;;
  esac
  # shellcheck disable=SC2086  # none of these values has a space
  set -- $reply
  status=$2 restarts=$3 started=$4 exit_code=$5 name=$6 health=$7 policy=${8:-no}
  for suffix in $suffixes; do
    case $name in *"$suffix")
      outcome=renamed
      return
      ;;
    esac
  done
  late=false
  [ $(($(seconds) - begin)) -lt "$healthy_within" ] || late=true
  case $status in
    running) look_at_running ;;
    restarting) outcome=restarting ;;
    exited)
      outcome=exited
      # A job that has done its work. With another policy Docker starts it again.
      case $policy in no | on-failure) [ "$exit_code" != 0 ] || outcome="done" ;; esac
      ;;
    paused) if "$late"; then outcome=paused; fi ;;
    created) outcome=created ;;
    *) outcome=dead ;;
  esac
}

look_at_running() {
  age "$started"
  if [ -z "$first_restarts" ]; then
    first_restarts=$restarts
    # Docker counts from the last start by a person or a program on.
    if [ "$restarts" -gt 0 ] && [ "$running" -lt "$calm" ]; then first_restarts=-1; fi
  fi
  if [ "$restarts" -gt "$first_restarts" ]; then
    outcome=restarting
  elif [ "$health" = unhealthy ]; then
    outcome=unhealthy
  elif [ "$running" -gt "$steady" ]; then
    # Both ends are whole seconds.
    case $health in
      starting) if "$late"; then outcome=not-healthy-in-time; fi ;;
      *) outcome=up ;;
    esac
  fi
}

begin=$(seconds)
outcome='' unanswered=0 seen_start='' seen_at=0 first_restarts=''
look
while [ -z "$outcome" ]; do
  sleep 0.5 2>/dev/null || sleep 1
  look
done
if [ "$outcome" = unavailable ]; then
  printf 'unavailable=%s\n' "$reply"
  exit 0
fi
echo "outcome=$outcome"
if [ "$outcome" != absent ]; then
  timeout 20 docker container inspect "$id" 2>/dev/null | sed 's/^/container=/'
  timeout 20 docker logs --tail "$log_lines" "$id" 2>&1 | tail -c "$log_bytes" | sed 's/^/log=/'
fi
echo "done=yes"
exit 0
