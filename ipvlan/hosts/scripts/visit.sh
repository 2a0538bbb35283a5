# Put before every script that runs on a connection of its own (`ipvlan.hosts.script.run_script`): what a script starts under
# `timeout` ends with the visit at the latest. Where the visit's time is over the script ends too, by SIGKILL.
# Variables: visit_seconds (time limit of the visit, a whole number).
: "${visit_seconds:?}"

# Seconds since the host's boot: the clock may be set while a script runs.
read -r visit_now _ </proc/uptime
visit_end=$((${visit_now%%.*} + visit_seconds))

# Ends the script, also where this is called in a subshell of it.
visit_over() {
  kill -KILL "$$"
  exit 137
}

# Takes the place of the command for the script that follows. A command that `timeout` starts is in a process group of its own
# (GNU coreutils), so the limit of the whole visit would not end it. A stopped process hears no signal but SIGKILL.
timeout() {
  read -r visit_now _ </proc/uptime
  visit_left=$((visit_end - ${visit_now%%.*}))
  [ "$visit_left" -gt 0 ] || visit_over
  if [ "${1%%.*}" -lt "$visit_left" ]; then visit_left=$1; fi
  shift
  command timeout -s KILL "$visit_left" "$@"
  visit_status=$?
  # 137: it was killed. 124 is what `timeout` says without -s KILL.
  [ "$visit_status" -eq 137 ] || return "$visit_status"
  read -r visit_now _ </proc/uptime
  [ "${visit_now%%.*}" -lt "$visit_end" ] || visit_over
  return 124
}
