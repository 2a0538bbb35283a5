# Defines identify: what has a name, and whether it is this stack's own.
# Variables: label and value (the owner label, as this stack writes it for this place), previous_label (of a copy).
# Output: unavailable (Docker's words), where Docker does not answer. The script ends then.
: "${label?}" "${value?}" "${previous_label?}"

# Sets for the container of exactly that name: whose (none, ours or others), id, status, and record (its label as a copy, empty
# where it is none). Argument: the name.
identify() {
  whose=none id='' status='' record=''
  # Names, ids and the owner label have no quotes, so a template can hold them. Docker's command line fills this one from JSON
  # (there is no typed field Id), where a label that is not there is no text, and labels may be null.
  owned="{{with .Config.Labels}}{{with index . \"$label\"}}{{if eq . \"$value\"}}yes{{end}}{{end}}{{end}}"
  copied="{{with .Config.Labels}}{{with index . \"$previous_label\"}}{{.}}{{end}}{{end}}"
  template="named {{.Name}} {{.Id}} {{.State.Status}} {{.Image}} owned=$owned $copied"
  # Its last line: a command line that cannot read its own settings complains first.
  reply=$(timeout 30 docker container inspect --format "$template" "$1" 2>&1 | tail -n 1)
  case $reply in
    "named /$1 "*) ;;
    # Docker takes a name for the first digits of an id where no container has it.
    "named /"* | *"o such container"*) return 0 ;;
    *)
      printf 'unavailable=%s\n' "$reply"
      exit 0
      ;;
  esac
  whose=others
  reply=${reply#"named /$1 "}
  # shellcheck disable=SC2086  # none of these values has a space
  set -- $reply
  id=$1 status=$2 image=$3 owned=$4
  [ "$owned" = owned=yes ] || return 0
  # `docker commit` writes a container's labels into the image. Where the image is gone nobody knows whose label it is.
  config=$(timeout 30 docker image inspect --format '{{json .Config}}' "$image" 2>/dev/null) || return 0
  case $config in *"\"$label\""*) return 0 ;; esac
  # shellcheck disable=SC2034  # for the script that includes this
  whose=ours record=${reply#"$id $status $image $owned"}
  record=${record# }
}

# Prints the restart policy of a copy's label. Argument: the label's value.
recorded_restart() {
  printf '%s\n' "$1" | sed -n 's/.*"restart":{"Name":"\([a-z-]*\)","MaximumRetryCount":\([0-9]*\)}.*/\1:\2/p' |
    sed 's/:0$//; /^on-failure/!s/:.*//'
}

# Prints the names of anonymous volumes in a copy's label, a line for each. Argument: the label's value.
recorded_volumes() {
  case $1 in
    *'"volumes":['*) printf '%s\n' "${1#*'"volumes":['}" | grep -oE '[0-9a-f]{64}' ;;
  esac
}

# Runs docker; where it fails the script ends. Arguments: what does not happen then, in words, and those of docker. Its time limit
# is patience (seconds).
# Output: step and message.
patience=60
must() {
  step=$1
  shift
  message=$(timeout "$patience" docker "$@" 2>&1) && return 0
  echo "step=$step"
  printf '%s\n' "$message" | sed 's/^/message=/'
  echo "done=no"
  exit 0
}
