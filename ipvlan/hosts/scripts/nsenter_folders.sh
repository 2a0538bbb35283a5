# Lists the folders that hold the host's nsenter and what it is linked with.
# Output: folder (one for each; a mount of a folder that the host has not would create it there).
for folder in /usr /lib /lib64; do
  if [ -d "$folder" ]; then echo "folder=$folder"; fi
done
