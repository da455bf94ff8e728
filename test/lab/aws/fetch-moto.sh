#!/usr/bin/env bash
# Fetches moto, the AWS emulator of the tests, and the Python that runs it: packages of Debian 13, checked by apt, unpacked into
# one folder. Nothing is installed, root is not needed, and the machine's own Python and C library play no part.
# MOTO_DIR says into which folder, by default .cache/lab/moto of this repository; DEBIAN_MIRROR whence, by default whence the
# machine has its own packages.
set -euo pipefail

suite=trixie
python=python3.13
packages=(
  libc6 libgcc-s1 zlib1g libzstd1 libbz2-1.0 liblzma5 libexpat1 libffi8 libssl3t64 libuuid1 libsqlite3-0 libyaml-0-2
  "$python-minimal" "lib$python-minimal" "lib$python-stdlib"
  python3-moto python3-boto3 python3-botocore python3-s3transfer python3-jmespath python3-dateutil python3-six python3-urllib3
  python3-certifi python3-chardet python3-idna python3-requests python3-responses python3-xmltodict python3-yaml python3-antlr4
  python3-cryptography python3-bcrypt python3-cffi-backend
  python3-flask python3-flask-cors python3-werkzeug python3-jinja2 python3-markupsafe python3-click python3-itsdangerous python3-blinker
)
# API models of services that no test calls are most of what is unpacked
services=(iam sts rds ec2 logs cloudwatch sns secretsmanager kms)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dest=$(realpath --canonicalize-missing "${MOTO_DIR:-$here/../../../.cache/lab/moto}")

fail() { echo "fetch-moto: $*" >&2; exit 1; }

# what was fetched, and by which version of this script
recipe() { cksum <"${BASH_SOURCE[0]}"; }
present() { [ "$(cat "$dest/RECIPE" 2>/dev/null)" = "$(recipe)" ]; }
announce() { echo "moto $(sed -n 's/^python3-moto_\([^_]*\)_.*/\1/p' "$dest/PACKAGES") in $dest"; }

# Of the places from which this machine's apt gets packages, Debian's own ends in /debian.
mirror() {
  if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; return; fi
  apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | sed -n '/\/debian\/*$/{p;q}'
}

# apt-get with lists, cache and package state of its own; the machine's proxies and other settings still hold, its hooks do not
private_apt() { apt-get -qq -c "$draft/apt/apt.conf" "$@" 2>"$draft/apt/errors"; }

because() { sed -n '/^[EW]: /{s///p;q}' "$draft/apt/errors"; }

download() {
  mkdir -p "$draft"/apt/{lists,archives}/partial "$draft/debs"
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -e "$keyring" ] || fail "no $keyring here: install the package debian-archive-keyring"
  echo "deb [signed-by=$keyring] $1 $suite main" >"$draft/apt/sources.list"
  : >"$draft/apt/status"
  cat >"$draft/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$draft/apt/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Dir::State "$draft/apt"; Dir::State::status "$draft/apt/status"; Dir::Cache "$draft/apt";
Debug::NoLocking "true"; APT::Sandbox::User ""; APT::Update::Error-Mode "any";
Acquire::Languages "none"; Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
  private_apt update || fail "no packages of Debian's '$suite' from this machine's mirror (DEBIAN_MIRROR names another): $(because)"
  (cd "$draft/debs" && private_apt download "${packages[@]}") || fail "a package of Debian's '$suite' cannot be had: $(because)"
}

unpack() {
  mkdir "$draft/tree"
  local deb
  for deb in "$draft"/debs/*.deb; do dpkg-deb --extract "$deb" "$draft/tree"; done
  (cd "$draft/debs" && ls) >"$draft/tree/PACKAGES"
  (cd "$draft/tree" && rm -rf etc var usr/sbin usr/share usr/lib/*/gconv)
  local library=$draft/tree/usr/lib/python3/dist-packages
  # read at every start although the emulator calls nobody; the machine may have none
  ln -s ../botocore/cacert.pem "$library/certifi/"
  sed -i "s#^DEBIAN_CA_CERTS_PATH = .*#DEBIAN_CA_CERTS_PATH = __file__.replace('core.py', 'cacert.pem')#" "$library/certifi/core.py"
  local models=$library/botocore/data keep
  mkdir "$draft/models"
  for keep in "${services[@]}"; do mv "$models/$keep" "$draft/models/"; done
  find "$models" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
  mv "$draft"/models/* "$models/"
}

# Debian's Python through Debian's own loader and libraries; paths of the machine, and its packages, stay out
launcher() {
  cat <<SH
#!/bin/sh
root=\$(cd "\$(dirname "\$0")" && pwd)
loader=\$(echo "\$root"/usr/lib/*/ld-linux-*.so.*)
export OPENSSL_CONF=/dev/null CRYPTOGRAPHY_OPENSSL_NO_LEGACY=1
PYTHONHOME=\$root/usr PYTHONPATH=\$root/usr/lib/python3/dist-packages\${PYTHONPATH:+:\$PYTHONPATH} PYTHONNOUSERSITE=1 \\
  exec "\$loader" --library-path "\$(dirname "\$loader")" "\$root/usr/bin/$python" -S "\$@"
SH
}

if present; then
  announce
  exit
fi
for needed in apt-get dpkg-deb; do
  command -v "$needed" >/dev/null || fail "no $needed here: the emulator comes as packages of Debian, so only Debian and its kin can fetch it"
done
[ "$(uname -s)" = Linux ] || fail "the emulator's Python is built for Linux, and this is $(uname -s)"

source=$(mirror)
[ -n "$source" ] || fail "this machine's apt knows no mirror of Debian: set DEBIAN_MIRROR to one"
mkdir -p "$(dirname "$dest")"
draft=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$draft"' EXIT

download "$source"
unpack
launcher >"$draft/tree/python"
chmod 755 "$draft/tree" "$draft/tree/python"
recipe >"$draft/tree/RECIPE"
# shows that all is there, and leaves the compiled modules behind for the first start
"$draft/tree/python" -c 'import moto.server, moto.iam.responses, moto.rds.responses, moto.sts.responses, moto.moto_api._internal.responses' ||
  fail "the packages were unpacked, but moto does not start"

# a finished tree gets its name in one step; when another run was faster, its tree is as good
if [ -e "$dest" ] && ! present; then mv -T "$dest" "$draft/outdated" 2>/dev/null || true; fi
mv -T "$draft/tree" "$dest" 2>/dev/null || present || fail "cannot write $dest"
announce
