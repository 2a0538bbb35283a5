# Takes the lock of the host, or says who has it. The lock is flock(2) on a file that every host has and that nobody changes: it is
# opened for reading only, and nothing is written. `host_lock_keep.sh` keeps the lock afterwards; without that it ends with this shell.
# Variables: files (paths, the first readable one is locked), marker (the word by which a holder's command line is known), token (of
# the run; a lock that this run already has is no obstacle).
# Output: lock=own or lock=borrowed (a process of the same run has it), and no more. Else the script ends: lock=held and for each
# process that may have it holder (its arguments, separated by tabs), or lock=none with reason.
: "${files?}" "${marker?}" "${token?}"

lock=none
for file in $files; do
  if [ -f "$file" ] && [ -r "$file" ]; then break; fi
  file=
done
if [ -z "$file" ]; then
  echo "lock=none"
  echo "reason=the ssh user can read none of $files"
  exit 0
fi
exec 9<"$file"
holders=
for _ in 1 2 3; do
  if message=$(flock -n 9 2>&1); then
    lock=own
    break
  fi
  if [ -n "$message" ]; then
    echo "lock=none"
    printf '%s\n' "$message" | sed "s|^|reason=flock of $file: |"
    exit 0
  fi
  # A pattern that the command line of grep itself does not match.
  # The process in /proc/locks is the flock command, which has ended; a holder's command line is readable by every user.
  # shellcheck disable=SC2013 # such a path has no blanks
  for process in $(grep -ls "[${marker%"${marker#?}"}]${marker#?}" /proc/[0-9]*/cmdline 2>/dev/null); do
    holders="$holders$(tr '\0\n' '\t ' <"$process" 2>/dev/null)
"
  done
  # Nobody: the holder has ended in between, shows its command line in a moment, or is hidden (hidepid).
  [ -z "$holders" ] || break
  sleep 1
done
if [ "$lock" != own ]; then
  case $holders in
    *"	$token	"*) lock=borrowed ;;
    *)
      echo "lock=held"
      echo "file=$file"
      printf '%s' "$holders" | sed 's/^/holder=/'
      exit 0
      ;;
  esac
fi
echo "lock=$lock"
