#!/usr/bin/env bash
# Fetches a server that the tests run: MySQL 9.7 (Debian's sid), MySQL 8.0.45 (of Debian's pool, as long as it is there),
# MariaDB 10.11 (bookworm) or 11.8 (trixie), with the libraries and the loader that it was built for.
# usage: fetch-server.sh mysql-9.7|mysql-8.0|mariadb-10.11|mariadb-11.8      (into .cache/lab/NAME of this repository)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=${1:-}
program="fetch-server $name"
# shellcheck source=../debian.sh
source "$here/../debian.sh"
dest=$(realpath --canonicalize-missing "$here/../../../.cache/lab/$name")

case $name in
mysql-9.7) suites=(sid) packages=(mysql-server-core) server=mysqld wanted='9\.7\.' ;;
mysql-8.0) suites=(sid trixie) server=mysqld wanted='8\.0\.' ;;
mariadb-10.11) suites=(bookworm) packages=(mariadb-server-core) server=mariadbd wanted='10\.11\.' ;;
mariadb-11.8) suites=(trixie) packages=(mariadb-server-core) server=mariadbd wanted='11\.8\.' ;;
*) fail "which server? mysql-9.7, mysql-8.0, mariadb-10.11 or mariadb-11.8" ;;
esac
[ "$(uname -m)" = x86_64 ] || fail "Debian's servers are fetched for x86-64, and this is $(uname -m)"

# No list names it any more, so nothing says what it needs: its libraries, as it was built.
pool_80=pool/main/m/mysql-8.0/mysql-server-core-8.0_8.0.45-1_amd64.deb
sum_80=0d6227408f63c01dadce99c1639f2427cc88495a0b3ed3292a85d9c2aa64e1fd
libraries_80=(
  libaio1t64 libc6 libevent-core-2.1-7t64 libevent-pthreads-2.1-7t64 libgcc-s1 libicu76 liblz4-1 libmecab2 libnuma1
  libprotobuf-lite32t64 libssl3t64 libstdc++6 libtirpc3t64 libzstd1 zlib1g
)

download() {
  if [ "$name" != mysql-8.0 ]; then debian_closure "${packages[@]}"; return; fi
  debian_packages "${libraries_80[@]}"
  debian_file "$pool_80" "$sum_80" || fail "MySQL 8.0.45 is gone from Debian's pool: $(because)"
}

# The server, its messages in English, its character sets and SQL, its plugins, and every library with the loader.
prune() {
  local share
  (
    cd "$draft/tree"
    find . -mindepth 1 -maxdepth 1 ! -name usr ! -name PACKAGES -exec rm -rf {} +
    find usr -mindepth 1 -maxdepth 1 ! -name sbin ! -name lib ! -name lib64 ! -name share -exec rm -rf {} +
    find usr/sbin -mindepth 1 ! -name "$server" -exec rm -rf {} +
    find usr/lib -mindepth 1 -maxdepth 1 ! -name x86_64-linux-gnu ! -name mysql -exec rm -rf {} +
    find usr/lib/x86_64-linux-gnu -mindepth 1 -maxdepth 1 ! -name '*.so*' -exec rm -rf {} +
    find usr/share -mindepth 1 -maxdepth 1 ! -name mysql ! -name mariadb -exec rm -rf {} +
    for share in usr/share/mysql usr/share/mariadb; do
      [ ! -d "$share" ] || find "$share" -mindepth 1 -maxdepth 1 -type d ! -name english ! -name charsets -exec rm -rf {} +
    done
  )
}

# Debian's loader and libraries, not the machine's: PATH of a program below the tree
run() { "$draft"/tree/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path "$draft/tree/usr/lib/x86_64-linux-gnu" "$@"; }

if present; then
  echo "$(cat "$dest/VERSION") in $dest"
  exit
fi
mkdir -p "$(dirname "$dest")"
draft=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$draft"' EXIT

debian_begin "$draft" "${suites[@]}"
download
debian_unpack
# before Debian's /usr was merged the C library and the loader stood in /lib
for old in lib lib64; do
  if [ -d "$draft/tree/$old" ] && [ ! -L "$draft/tree/$old" ]; then cp -a "$draft/tree/$old/." "$draft/tree/usr/$old/"; fi
done
prune
version=$(run "$draft/tree/usr/sbin/$server" --no-defaults --version) || fail "the packages were unpacked, but the server does not start"
version=$(sed -E 's/^.* Ver ([0-9.]+).*$/\1/' <<<"$version")
grep -qE "^$wanted" <<<"$version" ||
  fail "Debian's '${suites[0]}' has version $version now: put the version that the tests shall run into test/lab/mysql (fetch-server.sh, versions.ts)"
echo "${name%-*} $version" >"$draft/tree/VERSION"
debian_publish
echo "$(cat "$dest/VERSION") in $dest"
