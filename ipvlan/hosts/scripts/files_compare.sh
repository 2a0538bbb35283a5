# Says whether a container has its staged files. It changes nothing.
# Variables: those of files_place.sh; mounts, mount_N, target_N and pid, as files_bring.sh has them.
# Output: that of files_place.sh; differs (a slot whose live files are not the staged ones), detached (a slot of which the running
# container has something else), left (1 where files_end.sh has something to remove), pending (1 where an activation has not ended), refused (what was refused last), tree (a digest of
# all that is staged).
. ./files_slots.sh
: "${pid?}"

# Prints the names, owners and modes below a folder, and a digest of each file.
listing() {
  (cd "$1" 2>/dev/null && find . -exec stat -c '%n %F %u:%g %a' {} + && find . -type f -exec sha256sum {} +) | sort
}

# Whether a path of the container leads over a link of its image: from here an absolute one leads into the host's folders.
leads_over_link() {
  passed=/proc/$pid/root rest=${1#/}
  while [ -n "$rest" ]; do
    passed=$passed/${rest%%/*}
    [ ! -L "$passed" ] || return 0
    case $rest in
      */*) rest=${rest#*/} ;;
      *) rest='' ;;
    esac
  done
  return 1
}

find_place || failed "there is no folder $folder"
all=$(staged_last)
[ -d "$all" ] || failed "nothing is staged in $folder"
number=0 slot='' target=''
while [ "$number" -lt "$mounts" ]; do
  eval "slot=\$mount_$number target=\$target_$number"
  staged=$all/$slot live=$folder/live/$slot held=$folder/held/$slot
  if [ -d "$staged" ]; then
    if [ -L "$live" ] || [ "$(listing "$staged")" != "$(listing "$live")" ]; then echo "differs=$slot"; fi
  elif ! is_same "$staged" "$live"; then
    echo "differs=$slot"
  fi
  inside=/proc/$pid/root$target
  if [ "$pid" -ne 0 ] && [ -e "$inside" ] && ! leads_over_link "$target" && ! [ "$live" -ef "$inside" ]; then
    if ! [ "$held" -ef "$inside" ]; then
      echo "detached=$slot"
    elif ! is_same "$staged" "$held"; then
      echo "differs=$slot"
    fi
  fi
  number=$((number + 1))
done
if [ -d "$folder/before" ]; then echo pending=1; fi
if [ -f "$folder/refused" ] || [ -d "$folder/spare" ] || [ -n "$(unplanned)" ]; then echo left=1; fi
if [ -f "$folder/refused" ]; then echo "refused=$(cat "$folder/refused")"; fi
echo "tree=$( (
  cat "$base/$owner/key"
  listing "$all"
) | sha256sum | cut -c 1-64)"
echo done=1
