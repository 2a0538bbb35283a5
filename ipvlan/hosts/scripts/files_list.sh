# Lists the folders of a stack's files. Changes nothing.
# Variables: base (folder of the files of all stacks), owner (the stack's owner id).
# Output: folder (a line per folder of a container: OWNER/HOST/SERVICE), done (1 at the end).
: "${base?}" "${owner?}"

for folder in "$base/$owner"/*/*/; do
  folder=${folder%/}
  if [ -d "$folder" ] && [ ! -L "$folder" ]; then echo "folder=${folder#"$base/"}"; fi
done
echo done=1
