# Lists the host's ipvlan networks.
# Output: networks (JSON, as Docker inspects them; nothing where there is none).
ids=$(timeout 40 docker network ls -q --filter driver=ipvlan) || exit 1
[ -n "$ids" ] || exit 0
# shellcheck disable=SC2086  # one argument per id
timeout 40 docker network inspect $ids | sed 's/^/networks=/'
