#!/usr/bin/env bash
# Fetches the smallest compiler that Debian has, with its C library, for the stand-in of AWSAuthenticationPlugin: a machine that
# runs the tests need have none. Into .cache/lab/tcc of this repository.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=fetch-compiler
# shellcheck source=../debian.sh
source "$here/../debian.sh"
dest=$(realpath --canonicalize-missing "$here/../../../.cache/lab/tcc")
[ "$(uname -m)" = x86_64 ] || fail "the plugin is written for x86-64, and this is $(uname -m)"

announce() { echo "tcc $(sed -n 's/^tcc_\([^_]*\)_.*/\1/p' "$dest/PACKAGES") in $dest"; }

launcher() {
  cat <<'SH'
#!/bin/sh
root=$(cd "$(dirname "$0")" && pwd)
libraries=$root/usr/lib/x86_64-linux-gnu
exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries" "$root/usr/bin/tcc" -B"$libraries/tcc" "$@"
SH
}

if present; then
  announce
  exit
fi
mkdir -p "$(dirname "$dest")"
draft=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$draft"' EXIT

debian_begin "$draft" trixie
debian_packages tcc libc6
debian_unpack
(cd "$draft/tree" && rm -rf etc usr/share usr/lib/x86_64-linux-gnu/gconv usr/libexec)
launcher >"$draft/tree/tcc"
chmod 755 "$draft/tree/tcc"
"$draft/tree/tcc" -c -o "$draft/nothing.o" - <<<'int nothing;' || fail "the packages were unpacked, but the compiler does not start"
debian_publish
announce
