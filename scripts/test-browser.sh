#!/usr/bin/env bash
# What a web page can do to `penstock dev` from a browser on the same machine: nothing. A real browser (Debian's chromium)
# loads tests/browser/page.html from another origin, which tries reads, writes, forms, images and rebound names against the
# embedded engine, the Kubernetes API and the metrics; afterwards nothing was read, and everything is as it was.
#
#   scripts/test-browser.sh BUILD-DIR
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
penstock=$(realpath "${1:?usage: scripts/test-browser.sh BUILD-DIR}")/penstock
. "$root/scripts/demo/processes.sh"
"$root/scripts/deps.sh" browser

work=$(mktemp -d "${TMPDIR:-/tmp}/penstock-browser.XXXXXX")
stop_everything() {
  local result=$?
  trap - EXIT
  stop_process browser TERM 5
  stop_process penstock TERM 15
  stop_process pages TERM 5
  rm -rf "$work"
  exit "$result"
}
trap stop_everything EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

engine=$(free_port 8123) api=$(free_port 6440) metrics=$(free_port 9464)
start_process penstock "$work/penstock.log" TERM -- "$penstock" dev --data-dir "$work/state" --api "127.0.0.1:$api" \
  --clickhouse "127.0.0.1:$engine" --metrics "127.0.0.1:$metrics"
sql() { curl -sS --noproxy '*' --fail-with-body --data-binary "$1" "http://127.0.0.1:$engine/"; }
wait_until 60 penstock "$work/penstock.log" curl -sf --noproxy '*' -o "$work/ping" "http://127.0.0.1:$engine/ping"
wait_until 60 penstock "$work/penstock.log" test -s "$work/state/kubeconfig"
sql 'CREATE DATABASE vault'
sql 'CREATE TABLE vault.t (secret String) ENGINE = MergeTree ORDER BY secret'
sql "INSERT INTO vault.t VALUES ('treasure')"

start_process pages "$work/pages.log" TERM -- node "$root/tests/browser/serve.mjs" "$root/tests/browser/page.html"
wait_until 20 pages "$work/pages.log" grep -qE '^[0-9]+ [0-9]+$' "$work/pages.log"
read -r own naive < <(head -n 1 "$work/pages.log")

# browse LOG OPTION... URL: a browser for which every *.example is this machine, without a past; the process `browser`.
browse() {
  local log=$1
  shift
  start_process browser "$log" TERM -- env HOME="$work" chromium --headless --no-sandbox --disable-gpu \
    --disable-dev-shm-usage --user-data-dir="$(mktemp -d "$work/profile.XXXXXX")" --no-first-run --disable-extensions \
    --no-proxy-server --ignore-certificate-errors --host-resolver-rules='MAP *.example 127.0.0.1' \
    --disable-features=LocalNetworkAccessChecks "$@"
}
# attack ORIGIN PORT: a page of that origin against that port; its own report in $work/told.
attack() {
  local before
  before=$(wc -l <"$work/pages.log")
  browse "$work/chromium.log" --remote-debugging-port=0 "$1/?engine=$2&api=$api&metrics=$metrics"
  wait_until 120 browser "$work/chromium.log" ended_since "$before"
  stop_process browser TERM 5
}
ended_since() {
  tail -n "+$(($1 + 1))" "$work/pages.log" >"$work/told"
  grep -q '^told: all tried' "$work/told"
}

attack "http://127.0.0.1:$own" "$naive"
grep -q '^told: got .*treasure' "$work/told" || die 'the page finds nothing where everything is open: it proves nothing'

failed=''
for origin in "http://127.0.0.1:$own" "http://somebody.example:$own"; do
  attack "$origin" "$engine"
  if grep '^told: got' "$work/told"; then
    echo "a page of $origin has read that" >&2
    failed=yes
  fi
done
browse "$work/dom" --dump-dom "http://rebound.example:$engine/?query=SELECT+*+FROM+vault.t"
wait_until 30 browser "$work/dom" grep -qE 'only requests to localhost|treasure' "$work/dom"
stop_process browser TERM 5
! grep treasure "$work/dom" || { echo 'a rebound name is answered' >&2; failed=yes; }

[[ $(sql 'SELECT secret FROM vault.t') == treasure ]] || { echo 'the table was changed' >&2; failed=yes; }
[[ $(sql 'SELECT name FROM system.tables WHERE database = '"'vault'") == t ]] || { echo 'tables came or went' >&2; failed=yes; }
[[ -z $(find "$work/state" -name stolen) ]] || { echo 'a file was written' >&2; failed=yes; }
if kubectl --kubeconfig "$work/state/kubeconfig" --cache-dir "$work/cache" get secret planted 2>"$work/kubectl.log"; then
  echo 'a Secret was planted' >&2
  failed=yes
fi
[[ -z $failed ]] || die 'a web page got in'
echo 'Nothing was read, and nothing changed.'
