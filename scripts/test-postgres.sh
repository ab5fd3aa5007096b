#!/bin/sh
# Runs tests against another PostgreSQL than Debian's: those of a build directory that meet a real server.
#
#   scripts/test-postgres.sh MAJOR BUILD [ctest's arguments]
#
# What a test needs and the server does not have, it skips; which tests, and why, is printed at the end.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
major=$1 build=$2
shift 2
bin=$("$root/scripts/postgres-versions.sh" "$major")

# PostgreSQL refuses to run as root, and the account that tests give it instead may not get to this directory.
borrowed=
trap '[ -z "$borrowed" ] || rm -rf "$borrowed"' EXIT
trap 'exit 130' INT TERM HUP
if [ "$(id -u)" = 0 ]; then
  account=$(getent passwd postgres nobody | head -n 1 | cut -d: -f1)
  if ! setpriv --reuid "$account" --clear-groups test -x "$bin/postgres"; then
    borrowed=$(mktemp -d)
    cp -R "${bin%/bin}/." "$borrowed"
    chmod 755 "$borrowed"
    bin=$borrowed/bin
  fi
fi

# Which tests a program has is asked once and kept: all of them, whatever GTEST_FILTER lets run now.
env -u GTEST_FILTER ctest --test-dir "$build" -N >/dev/null

echo "test-postgres: $("$bin/postgres" --version)"
status=0
PENSTOCK_PG_BIN=$bin ctest --test-dir "$build" --output-on-failure --no-tests=error "$@" || status=$?

# From "file:line: Skipped", the reason, "[  SKIPPED ] test (0 ms)" of each.
awk '
  / Skipped$/ { reason = ""; reading = 1; next }
  /^\[  SKIPPED \] .* ms\)$/ { if (reading) printf "skipped: %s: %s\n", $4, reason; reading = 0; next }
  reading && NF { reason = reason (reason == "" ? "" : " ") $0 }
' "$build/Testing/Temporary/LastTest.log"
exit "$status"
