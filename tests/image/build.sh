#!/bin/bash
# build.sh SUITE WHAT MIRROR KEYRING WORK IMAGE RECIPE: makes IMAGE, a Postgres server whose major version is WHAT or
# the connection pooler where WHAT is `pgbouncer`, from the packages of a Debian SUITE, and labels it RECIPE. It needs
# apt, dpkg and docker, and neither a registry nor root. `cargo xtask` finds the arguments.
#
# The packages are unpacked, not installed: apt runs with a state of its own (an empty list of installed packages, so
# that it fetches everything) and leaves the machine's alone.
set -euo pipefail
suite=$1 what=$2 mirror=$3 keyring=$4 work=$5 image=$6 recipe=$7
here=$(cd "$(dirname "$0")" && pwd)
root=$work/root
rm -rf "$root" "$work/context"
mkdir -p "$work"/{lists/partial,archives/partial,context} "$root"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
: > "$work/status"

apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State="$work" \
    -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work" \
    -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 -o APT::Sandbox::User="$(id -un)" \
    -o Acquire::Languages=none -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o APT::Update::Error-Mode=any "$@"
}
case $what in
  pgbouncer) package=pgbouncer ;;
  *) package=postgresql-$what ;;
esac
apt update
apt install -y --download-only --no-install-recommends \
  "$package" dash coreutils grep util-linux libc-bin base-files tzdata

for package in "$work"/archives/*.deb; do
  case ${package##*/} in
    # What only maintainer scripts, just-in-time compilation and Perl functions need.
    libllvm*|libclang*|perl*|libperl*|ucf*|ssl-cert*|debconf*|adduser*|passwd*|libz3*) ;;
    *) dpkg-deb -x "$package" "$root" ;;
  esac
done
# zoneinfo/localtime leads out of the tree, and pg_timezone_names stops at it.
rm -rf "$root"/usr/share/zoneinfo/localtime "$root"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*} \
  "$root"/usr/share/{doc,man,info,locale,bug,lintian,perl,perl5,postgresql-common,bash-completion}
mkdir -p "$root/etc" "$root/tmp" "$root/usr/local/bin"
chmod 1777 "$root/tmp"
printf 'root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n' > "$root/etc/passwd"
printf 'root:x:0:\npostgres:x:999:\n' > "$root/etc/group"
install -m 755 "$here/entrypoint.sh" "$root/usr/local/bin/docker-entrypoint.sh"
tar -C "$root" --owner=0 --group=0 -cf "$work/context/root.tar" .
cp "$here/Dockerfile" "$work/context/"
docker build -q --build-arg "MAJOR=$what" --label "whimbrel.recipe=$recipe" -t "$image" "$work/context"
rm -rf "$root" "$work/context"
