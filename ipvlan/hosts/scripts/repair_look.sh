# Defines look and unchanged: whether a container is still as it was shown to the user. No change is made to one that is not.
# Variables: container (its id), expected (what look printed then, or what was made of Docker's list of containers).
: "${container?}" "${expected?}"

# Prints its name and state, and a line per network: name, network's id, address now, address at every start.
look() {
  # shellcheck disable=SC2016 # these are variables of Docker's template
  seen=$(timeout 60 docker container inspect --format '{{.Name}} {{.State.Status}}{{range $name, $end := .NetworkSettings.Networks}}
{{$name}} {{$end.NetworkID}} {{$end.IPAddress}} {{with $end.IPAMConfig}}{{.IPv4Address}}{{end}}{{end}}' "$container" 2>&1) || {
    printf '%s\n' "$seen"
    return 1
  }
  # Docker 29 writes this where older ones write nothing.
  printf '%s\n' "$seen" | sed 's/invalid IP//g'
}

# Succeeds, or prints failed (Docker's words) or now (what look prints).
unchanged() {
  if ! seen=$(look); then
    printf '%s\n' "$seen" | sed 's/^/failed=/'
    return 1
  fi
  [ "$seen" = "$expected" ] && return 0
  printf '%s\n' "$seen" | sed 's/^/now=/'
  return 1
}

# Prints after (what look prints): the proof of what the repair did.
after() {
  look | sed 's/^/after=/'
}
