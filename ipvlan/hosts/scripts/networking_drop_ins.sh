# Defines the functions for drop-ins of systemd-networkd: it removes routes that it does not know when it starts again
# (systemd.network(5), ManageForeignRoutes in networkd.conf(5)).
# Variables: networks (folder of the .network files), drop_in (file name).
: "${networks?}" "${drop_in?}"

# Removes the drop-ins, except those that have a new version beside them.
remove_drop_ins() {
  for file in "$networks"/*.network.d/"$drop_in"; do
    if [ -e "$file" ] && [ ! -e "$file.new" ]; then
      rm -f "$file"
      rmdir "${file%/*}" 2>/dev/null
    fi
  done
}

# Removes new versions that a run which was cut off has left.
remove_unfinished_drop_ins() {
  for file in "$networks"/*.network.d/"$drop_in.new"; do
    if [ -e "$file" ]; then
      rm -f "$file"
      rmdir "${file%/*}" 2>/dev/null
    fi
  done
}
