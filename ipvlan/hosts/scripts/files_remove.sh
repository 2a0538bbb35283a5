# Removes the folder of a container's files, and what is empty without it: its parents, and the key of the stack.
# Variables and output: those of files_place.sh.
. ./files_place.sh
removed=$base/$owner/.removed-$host-$service
if is_safe "$base" && is_safe "$base/$owner"; then
  exec 8<"$base/$owner"
  lock 8 "$base/$owner"
fi
if find_place; then
  exec 9<"$folder"
  lock 9 "$folder"
  # At once: a part of it without its label would be nobody's.
  { rm -rf "$removed" && mv "$folder" "$removed"; } || failed "$folder is not removed"
fi
if is_safe "$base" && is_safe "$base/$owner"; then
  rm -rf "$removed" "$base/$owner/.making-$host-$service" || failed "$removed is not removed"
  rmdir "$base/$owner/$host" 2>/dev/null
  if [ "$(ls -A "$base/$owner")" = key ]; then rm -f "$base/$owner/key"; fi
  rmdir "$base/$owner" 2>/dev/null && rmdir "$base" 2>/dev/null
fi
echo done=1
