# Runs shell text as root in the host's own namespaces, from a container that Docker removes at its end. Nothing of the image runs:
# the programs and the libraries are the host's, mounted read-only, and what could lead them to others is covered or cleared.
# Variables: socket (Docker's), image (id of an image on the host), name and label (of the container), environment (a line NAME=VALUE
# for each variable that is set or cleared), limit (seconds for the text), start (seconds for Docker beside it), stale (ids of
# containers to be removed first, one a line), capabilities (that the text needs besides, one a line), text.
# Output: what the text printed, and helper_status (of `docker run`: 124 and 137 the time was over, 125 Docker refused).
: "${socket?}" "${image?}" "${name?}" "${label?}" "${environment?}" "${limit?}" "${start?}" "${stale?}" "${capabilities?}" "${text?}"

# The ssh user's own settings must not lead to another machine's Docker.
unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
for id in $stale; do
  timeout "$start" docker -H "unix://$socket" rm --force "$id" >/dev/null 2>&1
done

# setns(2) into the namespaces of process 1 needs the first three, ARP and ping the last.
set -- --cap-drop ALL --cap-add SYS_ADMIN --cap-add SYS_PTRACE --cap-add SYS_CHROOT --cap-add NET_RAW
for capability in $capabilities; do
  set -- "$@" --cap-add "$capability"
done
# The profiles of AppArmor and SELinux for containers forbid to enter the host; seccomp's stays.
set -- "$@" --security-opt no-new-privileges --security-opt apparmor=unconfined --security-opt label=disable
set -- "$@" --read-only --network none --pid host --userns host --user 0:0 --workdir / --pids-limit 1024
set -- "$@" --no-healthcheck --log-driver none --restart no
for folder in /usr /lib /lib64; do
  # A mount of a folder that the host has not would create it there.
  if [ -d "$folder" ]; then set -- "$@" --mount "type=bind,src=$folder,dst=$folder,readonly"; fi
done
# ld.so(8): these two of the image would name its libraries.
set -- "$@" --mount type=bind,src=/dev/null,dst=/etc/ld.so.preload,readonly
cache=/dev/null
if [ -f /etc/ld.so.cache ]; then cache=/etc/ld.so.cache; fi
set -- "$@" --mount "type=bind,src=$cache,dst=/etc/ld.so.cache,readonly"
while read -r variable; do
  if [ -n "$variable" ]; then set -- "$@" --env "$variable"; fi
done <<ENVIRONMENT
$environment
ENVIRONMENT

# On standard input, and not as an argument: those are limited, and everybody can read them in `ps`.
printf '(\n%s\n) </dev/null\n' "$text" |
  timeout -k 5 "$((limit + start))" docker -H "unix://$socket" run --rm --interactive --pull never --name "$name" --label "$label" \
    "$@" --entrypoint /usr/bin/timeout "$image" -k 5 "$limit" /usr/bin/nsenter -t 1 -m -u -n -i sh -s
echo "helper_status=$?"
