# shellcheck shell=bash
# The demo's source: a PostgreSQL 15 of its own in a temporary directory. Sourced by demo.sh.

# PostgreSQL refuses to run as root, so root runs it as the account that Debian made for it.
postgres_account=()
if [[ $(id -u) == 0 ]]; then
  postgres_account=(--reuid postgres --regid postgres --init-groups)
fi

postgres_bin() {
  local place
  for place in /usr/lib/postgresql/15/bin "$(pg_config --bindir 2>/dev/null)"; do
    [[ -x $place/postgres ]] && { echo "$place"; return; }
  done
  die "PostgreSQL 15 is not installed; run: make deps"
}

# start_postgres DIR PORT LOG: a new cluster in DIR; people come in by password over TCP, the demo by the socket in
# DIR, which only the server's own account and root can reach.
start_postgres() {
  local dir=$1 port=$2 log=$3 bin
  bin=$(postgres_bin)
  mkdir -m 0700 "$dir"
  [[ $(id -u) != 0 ]] || chown postgres: "$dir"
  (cd "$dir" && setpriv "${postgres_account[@]}" -- "$bin/initdb" -D "$dir/data" -U postgres --encoding UTF8 --locale C \
    --auth-local trust --auth-host scram-sha-256 --no-sync) >"$log" 2>&1 || die_with_log 'initdb failed' "$log"
  # Nothing here outlives the demo, so nothing has to survive a power cut.
  start_process PostgreSQL "$log" INT "${postgres_account[@]}" -- "$bin/postgres" -D "$dir/data" \
    -c listen_addresses=127.0.0.1 -c port="$port" -c unix_socket_directories="$dir" \
    -c wal_level=logical -c max_wal_size=4GB -c shared_buffers=128MB -c fsync=off -c timezone=UTC
  PGHOST=$dir PGPORT=$port
  wait_until 60 PostgreSQL "$log" source_sql postgres -c 'SELECT 1'
}

# source_sql DATABASE PSQL-ARGUMENTS...: as the superuser, bare text out.
source_sql() {
  local database=$1
  shift
  PGHOST=$PGHOST PGPORT=$PGPORT PGOPTIONS='-c client_min_messages=warning' \
    psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -d "$database" "$@"
}

# fill_shop PASSWORD ORDERS: the shop, owned by the user that the Pipe connects as.
fill_shop() {
  source_sql postgres <<<"CREATE ROLE penstock LOGIN REPLICATION PASSWORD '$1'; CREATE DATABASE shop OWNER penstock"
  source_sql shop -v orders="$2" -c 'SET ROLE penstock' -f "$demo/shop.sql" >/dev/null
}

# start_writer ORDERS LOG: about fifty transactions a second, until stopped.
start_writer() {
  PGHOST=$PGHOST PGPORT=$PGPORT start_process writer "$2" TERM -- "$(postgres_bin)/pgbench" -n -U postgres -D orders="$1" \
    -f "$demo/writer.sql" --rate 50 --client 1 --time 604800 shop
}
