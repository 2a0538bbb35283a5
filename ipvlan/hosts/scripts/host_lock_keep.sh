# Keeps the lock that `host_lock.sh` took, in the same shell, until standard input ends or is silent for too long. Then nothing of it
# is left. Who has the lock is in this process's own command line, where `ps` shows it.
# Variables: silence (seconds without a line after which the lock is given back), marker, who, what, since, token; lock from before.
: "${lock?}" "${silence?}" "${marker?}" "${who?}" "${what?}" "${since?}" "${token?}"

[ "$lock" = own ] || exit 0
# shellcheck disable=SC2016 # the second shell has the variables as its arguments
exec sh -c 'while line=$(exec 9<&-; timeout "$5" head -n 1) && [ -n "$line" ]; do :; done' \
  "$marker" "$who" "$what" "$since" "$token" "$silence"
