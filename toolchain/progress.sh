# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts that source it use its variables
# Sourced by setup and find-go. Shows progress, and ends every child at its time limit or when the command ends.

steps=0 step_number=0 step_name='' step_start=0 child='' beside='' began=$SECONDS

# step NAME: announces the next of $steps steps.
step() {
  step_number=$((step_number + 1)) step_name=$1 step_start=$SECONDS
  say "step $step_number/$steps  $step_name"
}

# step_done [DETAIL]: prints how long the step took.
step_done() { say "          done in $((SECONDS - step_start)) s${1:+, $1}"; }

# run_watched LIMIT LOG COMMAND...: runs COMMAND for at most LIMIT seconds, its output in LOG. Every 10 s it prints what the function
# `how_far LOG` prints. Returns COMMAND's exit status, or 124 after the limit.
run_watched() {
  local limit=$1 log=$2 start=$SECONDS last_report=$SECONDS status=0
  shift 2
  mkdir -p "$(dirname "$log")"
  # A process group of its own, so that Go's compilers end with it; Ctrl-C still reaches this shell, whose trap ends the group.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  child=$!
  set +m
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - start >= limit)); then
      stop_child
      printf 'stopped after %s s, the limit of this step\n' "$limit" >>"$log"
      return 124
    fi
    if ((SECONDS - last_report >= 10)); then
      last_report=$SECONDS
      say "          $((SECONDS - began)) s: $(how_far "$log")"
    fi
  done
  wait "$child" || status=$?
  child=''
  return "$status"
}

# Ends the running child, what runs beside it, and everything they started: SIGTERM, after 5 s SIGKILL.
stop_child() {
  local group
  for group in $child $beside; do
    stop_group "$group"
  done
  child='' beside=''
}

stop_group() {
  local tries
  kill -TERM -- "-$1" 2>/dev/null || true
  for ((tries = 0; tries < 25; tries++)); do
    kill -0 -- "-$1" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL -- "-$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# fail LOG PROBLEM FIX: prints the log's last lines and the error, then exits.
fail() {
  tail -n 20 "$1" >&2
  die "$2 (log: $1). $3"
}

# hold_cache COMMAND: waits until no other command fills the cache, and sets work, a folder that is removed when this one ends.
hold_cache() {
  mkdir -p "$cache/log" || die "the cache folder $cache cannot be created. Set IPVLAN_FABRIC_CACHE to a folder that you can write to."
  exec 9>"$cache/lock"
  if ! flock -n 9; then
    say "toolchain: another setup is running in $cache; waiting for it"
    flock -w 3600 9 || die "another setup has held $cache/lock for an hour. End it, then run $1 again."
  fi
  # A killed setup left these; holding the lock proves that no other setup is running.
  rm -rf "$cache"/.work-*
  work=$cache/.work-$$
  mkdir "$work"
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

clean_up() {
  stop_child
  rm -rf "$work"
}
