# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2329 # it shares variables with setup, and how_far is called by progress.sh
# Sourced by setup. Fetches the official Pulumi release and plugins into a folder, and verifies their checksums.
# Prints why and returns non-zero where the network does not allow it: setup then builds.

# fetch_release FOLDER: fetches the release and both plugins into FOLDER.
fetch_release() {
  local system machine archive base sums expected actual log=$cache/log/release.log
  system=$(uname -s | tr '[:upper:]' '[:lower:]')
  case $(uname -m) in
    x86_64) machine=x64 expected=$PULUMI_SHA256_LINUX_X64 ;;
    aarch64 | arm64) machine=arm64 expected=$PULUMI_SHA256_LINUX_ARM64 ;;
    *)
      say "          there is no official release for $(uname -m)"
      return 1
      ;;
  esac
  [[ $system == linux ]] || expected=''
  archive=pulumi-v$PULUMI_VERSION-$system-$machine.tar.gz
  base=${IPVLAN_FABRIC_RELEASES:-https://github.com/pulumi/pulumi/releases/download/v$PULUMI_VERSION}
  sums=$work/checksums.txt

  steps=3 step_number=0
  step "the official release of pulumi v$PULUMI_VERSION"
  how_far() { tail -n 1 "$1"; }
  # Also fetched where the checksum is pinned: this small file shows within seconds whether the network allows the rest.
  if ! run_watched 8 "$log" python3 "$toolchain_folder/fetch.py" "$base/pulumi-$PULUMI_VERSION-checksums.txt" "$sums"; then
    say "          cannot be reached from here ($(tail -n 1 "$log"))"
    return 1
  fi
  [[ -n $expected ]] || expected=$(awk -v name="$archive" '$2 == name || $2 == "*" name {print $1}' "$sums")
  if ! [[ $expected =~ ^[0-9a-f]{64}$ ]]; then
    say "          its checksum file does not name $archive: not used"
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
  for plugin in "docker v$DOCKER_PLUGIN_VERSION" "command v$COMMAND_PLUGIN_VERSION"; do
    step "the official plugin $plugin"
    # shellcheck disable=SC2086 # name and version are two words
    if ! PULUMI_HOME=$1/home PULUMI_SKIP_UPDATE_CHECK=true run_watched 300 "$log" "$1/bin/pulumi" plugin install resource $plugin; then
      say "          not fetched ($(tail -n 1 "$log"))"
      return 1
    fi
    step_done
  done
}
