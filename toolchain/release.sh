# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2329 # it shares variables with setup, and how_far is called by progress.sh
# Sourced by setup. Fetches the official Pulumi release and plugins into a folder. What it must be is pinned in versions.env.
# Prints why and returns non-zero where a checksum is not pinned or the network does not allow it: setup then builds.

# fetch_release FOLDER: fetches the release and both plugins into FOLDER.
fetch_release() {
  local machine archive base expected docker_plugin command_plugin actual log=$cache/log/release.log
  case $(uname -s)-$(uname -m) in
    Linux-x86_64)
      machine=x64 expected=$PULUMI_SHA256_LINUX_X64
      docker_plugin=$DOCKER_PLUGIN_SHA256_LINUX_X64 command_plugin=$COMMAND_PLUGIN_SHA256_LINUX_X64
      ;;
    Linux-aarch64 | Linux-arm64)
      machine=arm64 expected=$PULUMI_SHA256_LINUX_ARM64
      docker_plugin=$DOCKER_PLUGIN_SHA256_LINUX_ARM64 command_plugin=$COMMAND_PLUGIN_SHA256_LINUX_ARM64
      ;;
    *)
      say "toolchain: no official release for $(uname -sm) is pinned: not used"
      return 1
      ;;
  esac
  local sum
  for sum in "$expected" "$docker_plugin" "$command_plugin"; do
    if ! [[ $sum =~ ^[0-9a-f]{64}$ ]]; then
      say "toolchain: the official release of pulumi v$PULUMI_VERSION has no pinned checksum in toolchain/versions.env: not used (toolchain/pin-release pins it)"
      return 1
    fi
  done
  archive=pulumi-v$PULUMI_VERSION-linux-$machine.tar.gz
  # Any address will do, one without TLS too: what it serves has the pinned checksum, or is not unpacked.
  base=${IPVLAN_FABRIC_RELEASES:-https://github.com/pulumi/pulumi/releases/download/v$PULUMI_VERSION}

  steps=3 step_number=0
  step "the official release of pulumi v$PULUMI_VERSION"
  how_far() { tail -n 1 "$1"; }
  # This small file shows within seconds whether the network allows the rest. Nothing is read from it.
  if ! run_watched 8 "$log" python3 "$toolchain_folder/fetch.py" "$base/pulumi-$PULUMI_VERSION-checksums.txt" "$work/probe"; then
    say "          cannot be reached from here ($(tail -n 1 "$log"))"
    return 1
  fi
  if ! run_watched 900 "$log" python3 "$toolchain_folder/fetch.py" "$base/$archive" "$work/$archive"; then
    say "          not fetched ($(tail -n 1 "$log"))"
    return 1
  fi
  actual=$(sha256sum "$work/$archive" | cut -d ' ' -f 1)
  if [[ $actual != "$expected" ]]; then
    # An error, and no reason to build instead: something serves another file under the release's name.
    die "$archive has the SHA-256 $actual, not $expected: it is not the release, and was not unpacked. Try again; if it stays so, set IPVLAN_FABRIC_TOOLCHAIN=build to build from Go modules, whose checksums are in the go.sum files."
  fi
  mkdir -p "$1/bin"
  tar -xzf "$work/$archive" -C "$1/bin" --strip-components=1 --no-same-owner
  [[ -x $1/bin/pulumi && -x $1/bin/pulumi-language-python ]] || die "$archive has no pulumi and pulumi-language-python in its top folder"
  step_done "checksum $expected"

  local plugin
  for plugin in "docker v$DOCKER_PLUGIN_VERSION --checksum $docker_plugin" "command v$COMMAND_PLUGIN_VERSION --checksum $command_plugin"; do
    step "the official plugin ${plugin% --checksum *}"
    # shellcheck disable=SC2086 # name, version and option are words of their own
    if ! PULUMI_HOME=$1/home PULUMI_SKIP_UPDATE_CHECK=true run_watched 300 "$log" "$1/bin/pulumi" plugin install resource $plugin; then
      say "          not fetched ($(tail -n 1 "$log"))"
      return 1
    fi
    step_done
  done
}
