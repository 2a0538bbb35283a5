# Checks whether a container is still as it was shown to the user.
# Variables: those of `repair_look.sh`.
# Output: unchanged=yes, or failed (Docker's words), or now (what it is like).

. ./repair_look.sh

unchanged && echo "unchanged=yes"
exit 0
