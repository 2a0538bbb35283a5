# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the scripts that source it use its variables, and it uses those of toolchain/common.sh
# Sourced by setup and run. Decides where the language hosts are, and what their key is.

languages_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=toolchain/common.sh
source "$languages_folder/../common.sh"
# shellcheck source=toolchain/languages/versions.env
source "$languages_folder/versions.env"

# A key of their own: a change here does not build the CLI and the plugins again.
languages_key() {
  (
    cd "$languages_folder" || exit
    uname -sm
    find versions.env setup yaml nodejs gen-sdk -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum | cut -c1-16
}

languages_entry=$cache/languages-$(languages_key)
