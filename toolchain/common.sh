# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source it use its variables
# Sourced by setup, env, run and clean. Decides where the cache is, what its key is, and which Pulumi is used.
# Out of scope: making a Pulumi (build.sh, release.sh), and everything outside the cache.

toolchain_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=toolchain/versions.env
source "$toolchain_folder/versions.env"

cache=${IPVLAN_FABRIC_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ipvlan-fabric}/toolchain
mode=${IPVLAN_FABRIC_TOOLCHAIN:-auto}

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
die() {
  complain "toolchain: $*"
  exit 1
}

case $mode in
  auto | path | release | build) ;;
  *) die "IPVLAN_FABRIC_TOOLCHAIN=$mode is none of auto, path, release, build. Unset it to let setup decide." ;;
esac
case $cache in
  /*) ;;
  *) die "the cache folder '$cache' is not an absolute path, so each working directory would have another cache. Fix IPVLAN_FABRIC_CACHE or XDG_CACHE_HOME." ;;
esac

# Prints the name of the cache entry: a hash of every version, recipe and source file of the toolchain.
cache_key() {
  (
    cd "$toolchain_folder" || exit
    uname -sm
    find versions.env build.sh release.sh language-wrapper cli language-host command-provider docker-provider \
      -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum | cut -c1-16
}

# at_least VERSION MINIMUM: compares major.minor.patch; ignores everything after a '-' or '+'.
at_least() {
  local -a actual minimum
  local i
  IFS=. read -r -a actual <<<"${1%%[-+]*}"
  IFS=. read -r -a minimum <<<"$2"
  for i in 0 1 2; do
    [[ ${actual[i]:-0} =~ ^[0-9]+$ ]] || return 1
    if ((10#${actual[i]:-0} != 10#${minimum[i]:-0})); then
      ((10#${actual[i]:-0} > 10#${minimum[i]:-0}))
      return
    fi
  done
}

# version_of PULUMI: prints its version without the 'v'. Starting a CLI of 115 MB takes 0.2 s, so the version is stored with the
# file's size and time.
version_of() {
  local stamp version
  stamp="$1 $(stat -L -c '%s %Y' "$1")"
  if [[ -f $cache/path-pulumi ]] && [[ $(head -n 1 "$cache/path-pulumi") == "$stamp" ]]; then
    tail -n 1 "$cache/path-pulumi"
    return
  fi
  version=$(PULUMI_SKIP_UPDATE_CHECK=true timeout 20 "$1" version 2>/dev/null) || return 1
  version=${version#v}
  mkdir -p "$cache"
  printf '%s\n%s\n' "$stamp" "$version" >"$cache/path-pulumi.$$"
  mv "$cache/path-pulumi.$$" "$cache/path-pulumi"
  printf '%s\n' "$version"
}

# Looks for a `pulumi` on PATH that is not in our cache. Sets path_pulumi (empty: none fits) and path_rejected (the reasons).
look_on_path() {
  path_pulumi='' path_rejected=''
  local candidate real version
  while IFS= read -r candidate; do
    real=$(readlink -f "$candidate")
    [[ $real == "$(readlink -m "$cache")"/* ]] && continue
    if ! version=$(version_of "$candidate"); then
      path_rejected+="$candidate does not answer \`pulumi version\`. "
    elif ! at_least "$version" "$PULUMI_MINIMUM_VERSION"; then
      path_rejected+="$candidate is $version, older than $PULUMI_MINIMUM_VERSION. "
    elif ! [[ -x ${candidate%/*}/pulumi-language-python || -x ${real%/*}/pulumi-language-python ]] &&
      ! type -P pulumi-language-python >/dev/null; then
      path_rejected+="$candidate has no pulumi-language-python beside it. "
    else
      path_pulumi=$candidate
      return
    fi
  done < <(type -aP pulumi)
}

# Sets kind (path, release, build or none) and folder (of the cache entry; when kind is path, of `pulumi` itself).
# Also sets entry: the path of the cache entry without -release or -build.
choose() {
  kind=none folder='' path_rejected=''
  entry=$cache/$(cache_key)
  if [[ $mode == auto || $mode == path ]]; then
    look_on_path
    if [[ -n $path_pulumi ]]; then
      kind=path folder=${path_pulumi%/*}
      return
    fi
  fi
  local made
  for made in release build; do
    if [[ $mode == auto || $mode == "$made" ]] && [[ -d $entry-$made ]]; then
      kind=$made folder=$entry-$made
      return
    fi
  done
}
