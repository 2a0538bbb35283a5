# Reads the free space of a folder's file system. Changes nothing.
# Variables: folder.
# Output: blocks (free ones, without those that only root may use), block_size (bytes).
: "${folder?}"

stat -f -c 'blocks=%a
block_size=%S' "$folder"
