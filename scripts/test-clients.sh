#!/bin/sh
# Runs the official Python and JavaScript clients against `penstock dev`: scripts/test-clients.sh PENSTOCK
#
# Python's is Debian's python3-kubernetes, or that of $PENSTOCK_PYTHON; JavaScript's comes from npm, as its lock file
# says.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
clients=$root/tests/clients
PENSTOCK=$(realpath "$1")
export PENSTOCK

[ -n "${PENSTOCK_PYTHON-}" ] || "$root/scripts/deps.sh" clients
installed=$clients/node_modules/.package-lock.json
[ "$installed" -nt "$clients/package-lock.json" ] ||
  npm ci --prefix "$clients" --silent --ignore-scripts --no-audit --no-fund

status=0
"${PENSTOCK_PYTHON:-/usr/bin/python3}" "$clients/python_test.py" || status=1
node --test "$clients/javascript_test.mjs" || status=1
exit "$status"
