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
program=fetch-moto
# shellcheck source=../debian.sh
source "$here/../debian.sh"
dest=$(realpath --canonicalize-missing "${MOTO_DIR:-$here/../../../.cache/lab/moto}")

announce() { echo "moto $(sed -n 's/^python3-moto_\([^_]*\)_.*/\1/p' "$dest/PACKAGES") in $dest"; }

trim() {
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
mkdir -p "$(dirname "$dest")"
draft=$(mktemp -d "$dest.XXXXXX")
trap 'rm -rf "$draft"' EXIT

debian_begin "$draft" "$suite"
debian_packages "${packages[@]}"
debian_unpack
trim
launcher >"$draft/tree/python"
chmod 755 "$draft/tree/python"
# shows that all is there, and leaves the compiled modules behind for the first start
"$draft/tree/python" -c 'import moto.server, moto.iam.responses, moto.rds.responses, moto.sts.responses, moto.moto_api._internal.responses' ||
  fail "the packages were unpacked, but moto does not start"

debian_publish
announce
