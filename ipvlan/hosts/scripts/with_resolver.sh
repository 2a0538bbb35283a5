# Runs a command with a container's name servers: in a mount namespace of its own, which nobody else sees and which ends with it.
# Variables: resolver (path of the container's resolv.conf on the host). Arguments: the command. Needs root and `unshare -m`.
# Output: the command's.
: "${resolver?}"

mount --bind "$resolver" /etc/resolv.conf && mount -t tmpfs none /mnt &&
  echo "hosts: files dns" >/mnt/nsswitch.conf && mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf && exec "$@"
