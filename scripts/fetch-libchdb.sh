#!/bin/sh
# Fetches libchdb.so, the ClickHouse engine as a library, from npm into .deps/libchdb/.
#
# Does nothing when the pinned version is there already. The archive is verified against the checksum below before
# anything is taken out of it, and the library is moved into place last, so an interrupted run leaves nothing
# that looks finished; simply run it again.
set -eu

package=@chdb/lib-linux-x64-gnu
version=26.7.3-stable.1
sha512=XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw==

root=$(cd "$(dirname "$0")/.." && pwd)
target=$root/.deps/libchdb
stamp=$target/version
wanted="$package@$version $sha512"

die() {
  echo "fetch-libchdb: $*" >&2
  exit 1
}

is_there() {
  [ -s "$target/libchdb.so" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]
}

is_there && exit 0

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || die "the library is pinned for Linux on x86-64 only, this is $(uname -sm)"
for tool in npm openssl tar flock; do
  command -v "$tool" >/dev/null || die "$tool is needed and not in PATH (Debian: apt-get install npm openssl tar util-linux)"
done

mkdir -p "$target"
exec 9>"$target/.lock"
flock 9 # two builds at once: the second waits and finds it done
is_there && exit 0

work=$(mktemp -d "$target/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
# What an earlier run that was killed left behind; the lock says that nobody is using it.
find "$target" -maxdepth 1 -name '.fetch.*' ! -path "$work" -exec rm -rf {} +

echo "fetch-libchdb: downloading $package@$version (about 170 MB)" >&2
(cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >name) ||
  die "npm could not download $package@$version; is the registry reachable (npm ping)?"
archive=$work/$(tail -n 1 "$work/name")
[ -s "$archive" ] || die "npm reported success but left no archive"

found=$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
[ "$found" = "$sha512" ] || die "$package@$version has sha512 $found, expected $sha512: not using it"

tar -xzf "$archive" -C "$work" package/libchdb.so package/package.json
rm -f "$stamp"
mv -f "$work/package/libchdb.so" "$target/libchdb.so"
mv -f "$work/package/package.json" "$target/package.json"
printf '%s\n' "$wanted" >"$work/version"
mv -f "$work/version" "$stamp"
echo "fetch-libchdb: $target/libchdb.so is ready" >&2
