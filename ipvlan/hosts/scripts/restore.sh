# Lets the previous container run again: its spare, or the restored one that an earlier visit did not start. Safe to repeat.
# Variables: those of `container_identity.sh`; name, previous and failed (names of containers), grace (seconds between the stop
# signal and the kill, for the replacement).
# Output: taken (a line `NAME ID`), and nothing was done, where something that is not ours has a name; spare=none where there is
# nothing to restore, also where the spare is a copy of what has the name; step and message where Docker refuses; restored (id), replaced (id of the replacement, where there is one),
# record (the copy's label) and container (JSON, as Docker inspects it). Then done.
: "${name?}" "${previous?}" "${failed?}" "${grace?}"

. ./container_identity.sh

taken() {
  echo "taken=$1 $id"
  echo "done=no"
  exit 0
}

identify "$failed"
failed_whose=$whose failed_id=$id
identify "$name"
[ "$whose" != others ] || taken "$name"
now=$id now_record=$record
if [ -n "$now_record" ]; then
  spare=$now copy=$now_record
else
  identify "$previous"
  if [ "$whose" = none ] || { [ "$whose" = ours ] && [ -z "$record" ]; }; then
    echo "spare=none"
    echo "done=yes"
    exit 0
  fi
  [ "$whose" = ours ] || taken "$previous"
  spare=$id copy=$record
  case $copy in *"$now"*)
    # It was not replaced.
    if [ -n "$now" ]; then
      echo "spare=none"
      echo "done=yes"
      exit 0
    fi
    ;;
  esac
  if [ -n "$now" ]; then
    id=$failed_id
    [ "$failed_whose" != others ] || taken "$failed"
    # One that is dead takes no policy, and needs none.
    timeout 30 docker update --restart no "$now" >/dev/null 2>&1
    timeout $((grace + 30)) docker stop -t "$grace" "$now" >/dev/null 2>&1 || timeout 30 docker kill "$now" >/dev/null 2>&1
    [ "$failed_whose" != ours ] || must "the earlier $failed ($failed_id) is not removed" rm -f -v "$failed_id"
    must "$name ($now) is not renamed to $failed" rename "$now" "$failed"
    failed_whose=ours failed_id=$now
  fi
fi
restart=$(recorded_restart "$copy")
must "the restart policy of $spare is not set" update --restart "${restart:-no}" "$spare"
[ "$spare" = "$now" ] || must "$previous ($spare) is not renamed to $name" rename "$spare" "$name"
if ! timeout 60 docker start "$spare" >/dev/null 2>&1; then
  # Docker may still release the address or a port of what was stopped.
  sleep 1
  must "$name ($spare) is not started" start "$spare"
fi
echo "restored=$spare"
[ "$failed_whose" != ours ] || echo "replaced=$failed_id"
echo "record=$copy"
timeout 30 docker container inspect "$spare" 2>/dev/null | sed 's/^/container=/'
echo "done=yes"
exit 0
