#!/usr/bin/env bash
# The demo: a real PostgreSQL with a shop of a million orders and a steady writer, `penstock dev` with the embedded
# ClickHouse engine, and the Pipe of examples/ applied with kubectl.
#
#   scripts/demo.sh [--once] [--penstock FILE]
#
# --once: as soon as the pipe runs, stop the writer, hold every row of the source against its target, and end.
# Whatever it starts, it stops: at the end, on a failure and on Ctrl-C. ORDERS=n changes the size of the shop.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
demo=$root/scripts/demo
. "$demo/processes.sh"
. "$demo/postgres.sh"
. "$demo/compare.sh"
. "$demo/progress.sh"

once='' penstock=$root/build/release/penstock orders=${ORDERS:-1000000}
while (($#)); do
  case $1 in
    --once) once=yes ;;
    --penstock) shift; penstock=$(realpath "${1:?}") ;;
    *) die "unknown argument '$1' (--once, --penstock FILE)" ;;
  esac
  shift
done
[[ -x $penstock ]] || die "there is no $penstock; run: make build"
[[ $orders =~ ^[1-9][0-9]{0,8}$ ]] || die "ORDERS must be a number from 1 to 999999999, not '$orders'"

data=$root/.penstock/demo # what penstock keeps, and the logs
scratch=''                # the source's files and the exports that are compared
keep_logs=''
pipe=shop

kube() { kubectl --kubeconfig "$data/state/kubeconfig" --cache-dir "$data/kube-cache" "$@"; }

# clickhouse SQL: the answer's body; the server's own words there, and failure, when it refuses.
clickhouse() {
  curl -sS --noproxy '*' --fail-with-body --data-binary "$1" \
    "http://127.0.0.1:$clickhouse_port/?database=$target_database"
}

stop_everything() {
  local result=$?
  trap '' INT TERM HUP
  trap - EXIT
  stop_process writer TERM 10
  stop_process penstock TERM 15
  stop_process PostgreSQL INT 20
  [[ -z $scratch ]] || rm -rf "$scratch"
  if [[ -n $keep_logs ]]; then
    echo "demo: the logs are in $data" >&2
  else
    rm -rf "$data"
  fi
  exit "$result"
}

# One demo at a time in a checkout: the second would take the first one's directory away.
claim_directory() {
  mkdir -p "$root/.penstock"
  exec 9>"$root/.penstock/demo.lock"
  flock -n 9 || die "another demo runs in this checkout"
  rm -rf "$data"
  mkdir -m 0700 "$data"
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/penstock-demo.XXXXXX") # short: a socket goes below it
  chmod 0711 "$scratch" # the account that PostgreSQL runs as has to get through
}

start_source() {
  local password=$1
  step "PostgreSQL 15 on 127.0.0.1:$postgres_port, a shop with $(thousands "$orders") orders"
  start_postgres "$scratch/postgres" "$postgres_port" "$data/postgres.log"
  fill_shop "$password" "$orders"
  start_writer "$orders" "$data/writer.log"
}

start_penstock() {
  step "penstock dev: Kubernetes API on 127.0.0.1:$api_port, ClickHouse engine on 127.0.0.1:$clickhouse_port"
  start_process penstock "$data/penstock.log" TERM -- "$penstock" dev --data-dir "$data/state" \
    --api "127.0.0.1:$api_port" --clickhouse "127.0.0.1:$clickhouse_port"
  wait_until 60 penstock "$data/penstock.log" test -s "$data/state/kubeconfig"
}

# The example as it stands, with the ports of this run.
manifest() {
  sed -e "s/^\( *port:\) 5432\b/\1 $postgres_port/" -e "s/127\.0\.0\.1:8123\b/127.0.0.1:$clickhouse_port/" \
    "$root/examples/pipe.yaml"
}

apply_pipe() {
  step "kubectl apply -f examples/pipe.yaml"
  printf '%s' "$1" | kube create secret generic shop-postgres --from-file=password=/dev/stdin
  manifest | kube apply -f -
  target_database=$(kube get pipe "$pipe" -o jsonpath='{.spec.destination.clickhouse.database}')
  watch_until_running 600
  echo
  kube get pipes
}

# The source's slot is told only what ClickHouse has: once it stands where the source's log ended, all is there.
caught_up() {
  [[ $(source_sql shop -c "SELECT count(*) = 1 AND bool_and(confirmed_flush_lsn >= '$1') FROM pg_replication_slots") == t ]]
}

check_rows() {
  local end table
  step "The writer goes on for five seconds, then every row is compared"
  sleep 5
  process_runs writer || die_with_log 'the writer ended unexpectedly' "$data/writer.log"
  stop_process writer TERM 10
  end=$(source_sql shop -c 'SELECT pg_current_wal_lsn()')
  wait_until 60 penstock "$data/penstock.log" caught_up "$end"
  for table in customers products orders; do
    compare_table "$table" "$scratch" || die_with_log "source and target differ in $table" "$data/penstock.log"
  done
  printf '\nSource and target hold the same rows.\n'
}

wait_for_the_end() {
  local kubectl="kubectl --kubeconfig ${data#"$PWD"/}/state/kubeconfig"
  trap 'echo; exit 0' INT
  step "The pipe runs, and the writer goes on. Try, in another terminal:"
  cat <<TXT

  $kubectl get pipe $pipe
  curl http://127.0.0.1:$clickhouse_port/ --data 'SELECT status, count() FROM $target_database.orders FINAL GROUP BY status ORDER BY status FORMAT PrettyCompact'
  $kubectl patch pipe $pipe --type merge -p '{"spec":{"paused":true}}'

Ctrl-C stops everything.
TXT
  while process_runs penstock; do
    process_runs PostgreSQL || die_with_log 'PostgreSQL ended unexpectedly' "$data/postgres.log"
    sleep 1
  done
  die_with_log 'penstock ended unexpectedly' "$data/penstock.log"
}

claim_directory
trap stop_everything EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
postgres_port=$(free_port 5433) api_port=$(free_port 6440) clickhouse_port=$(free_port 8123)
password=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
start_source "$password"
start_penstock
apply_pipe "$password"
if [[ -n $once ]]; then check_rows; else wait_for_the_end; fi
