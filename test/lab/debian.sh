# For the scripts that fetch what the tests run: packages of Debian, checked by apt, unpacked into a folder. Nothing is installed,
# root is not needed. To be sourced, with `program` set to the script's name; DEBIAN_MIRROR says whence, by default whence the
# machine has its own packages.

fail() { echo "$program: $*" >&2; exit 1; }

# debian_begin DRAFT SUITE…: lists, cache and package state of its own in DRAFT; the machine's proxies and other settings still
# hold, its hooks do not
debian_begin() {
  draft=$1
  shift
  local needed source suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  for needed in apt-get dpkg-deb; do
    command -v "$needed" >/dev/null || fail "no $needed here: what is fetched comes as packages of Debian, so only Debian and its kin can"
  done
  [ "$(uname -s)" = Linux ] || fail "Debian's programs are built for Linux, and this is $(uname -s)"
  [ -e "$keyring" ] || fail "no $keyring here: install the package debian-archive-keyring"
  source=$(mirror)
  [ -n "$source" ] || fail "this machine's apt knows no mirror of Debian: set DEBIAN_MIRROR to one"
  mkdir -p "$draft"/apt/{lists,archives}/partial "$draft/debs"
  for suite in "$@"; do echo "deb [signed-by=$keyring] $source $suite main"; done >"$draft/apt/sources.list"
  # an empty list of what is installed: every dependency is then named, the C library included
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
  private_apt update || fail "no packages of Debian's '$*' from this machine's mirror (DEBIAN_MIRROR names another): $(because)"
}

# Of the places from which this machine's apt gets packages, Debian's own ends in /debian.
mirror() {
  if [ -n "${DEBIAN_MIRROR:-}" ]; then echo "$DEBIAN_MIRROR"; return; fi
  apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | sed -n '/\/debian\/*$/{p;q}'
}

private_apt() { apt-get -qq -c "$draft/apt/apt.conf" "$@" 2>"$draft/apt/errors"; }

because() { sed -n '/^[EW]: /{s///p;q}' "$draft/apt/errors"; }

# exactly these packages, into $draft/debs
debian_packages() {
  (cd "$draft/debs" && private_apt download "$@") || fail "a package cannot be had from Debian: $(because)"
}

# these packages and whatever they need, into $draft/debs
debian_closure() {
  private_apt -y --no-install-recommends --download-only -o Dpkg::Use-Pty=0 install "$@" >/dev/null ||
    fail "a package cannot be had from Debian: $(because)"
  mv "$draft"/apt/archives/*.deb "$draft/debs/"
}

# a file of the pool that no list names any more, checked by its SHA-256, into $draft/debs
debian_file() {
  local path=$1 sum=$2 helper=/usr/lib/apt/apt-helper
  [ -x "$helper" ] || fail "no $helper here: install the package apt"
  "$helper" -qq -c "$draft/apt/apt.conf" download-file "$(mirror | sed 's#/*$##')/$path" "$draft/debs/${path##*/}" "SHA256:$sum" \
    >/dev/null 2>"$draft/apt/errors"
}

# the packages as one tree, and what they were
debian_unpack() {
  local deb
  mkdir "$draft/tree"
  for deb in "$draft"/debs/*.deb; do dpkg-deb --extract "$deb" "$draft/tree"; done
  (cd "$draft/debs" && ls) >"$draft/tree/PACKAGES"
}

# what was fetched, and by which versions of the scripts
recipe() { cat "${BASH_SOURCE[0]}" "$0" | cksum; }
present() { [ "$(cat "$dest/RECIPE" 2>/dev/null)" = "$(recipe)" ]; }

# a finished tree gets its name in one step; when another run was faster, its tree is as good
debian_publish() {
  recipe >"$draft/tree/RECIPE"
  chmod 755 "$draft/tree"
  if [ -e "$dest" ] && ! present; then mv -T "$dest" "$draft/outdated" 2>/dev/null || true; fi
  mv -T "$draft/tree" "$dest" 2>/dev/null || present || fail "cannot write $dest"
}
