# Reads what one visit before an `up` needs to know of a host, besides Docker's own answer. Changes nothing.
# Variables: folder (of Docker's images and containers).
# Output:
#   boot            id that the kernel drew when it started: two hosts with one id are one machine (random(4))
#   user            name of the ssh user
#   docker_command  yes or no: `pulumi up` reaches Docker by it
#   blocks          free blocks of the folder's file system, with those that only root may use: Docker is root
#   block_size      bytes
: "${folder?}"

echo "boot=$(cat /proc/sys/kernel/random/boot_id)"
echo "user=$(id -un)"
if command -v docker >/dev/null 2>&1; then echo docker_command=yes; else echo docker_command=no; fi
stat -f -c 'blocks=%f
block_size=%S' "$folder" 2>/dev/null
