# shellcheck shell=bash
# Shows what the Pipe's status says until it runs. Sourced by demo.sh.

thousands() { sed -e ':again' -e 's/\B[0-9]\{3\}\>/,&/; t again' <<<"$1"; }

if [[ -t 1 ]]; then
  step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
  show() { printf '\r\033[K\033[?7l%s\033[?7h' "$*"; } # in place, cut at the right edge
  keep() { printf '\r\033[K%s\n' "$*"; }
else
  step() { printf '\n%s\n' "$*"; }
  show() { :; }
  keep() { printf '%s\n' "$*"; }
fi

# First line: the state, whether Stalled, and the message; then a line for each table.
pipe_status() {
  kube get pipe "$pipe" -o jsonpath='{.status.state}|{.status.conditions[?(@.type=="Stalled")].status}|{.status.message}
{range .status.tables[*]}{.target}|{.state}|{.rowsLoaded}|{.rowsEstimated}
{end}'
}

# describe_tables: from the lines of pipe_status on stdin to one line for people.
describe_tables() {
  local table state loaded estimated text=''
  while IFS='|' read -r table state loaded estimated; do
    case $state in
      '') ;;
      Pending) text+="   $table waits" ;;
      Loading) text+="   $table $(thousands "${loaded:-0}") of about $(thousands "${estimated:-0}")" ;;
      *) text+="   $table $(thousands "${loaded:-0}")" ;;
    esac
  done
  echo "$text"
}

# every_table_streams: from the lines of pipe_status on stdin.
every_table_streams() { ! grep -qE '^[^|]+\|(Pending|Loading|CatchingUp|Failed)\|'; }

# watch_until_running SECONDS: a line for each state as it was last seen, and where lines can be redrawn, the rows
# as they come in.
watch_until_running() {
  local deadline=$((SECONDS + $1)) status state stalled message tables shown='' last line
  while :; do
    process_runs penstock || die_with_log 'penstock ended unexpectedly' "$data/penstock.log"
    process_runs PostgreSQL || die_with_log 'PostgreSQL ended unexpectedly' "$data/postgres.log"
    ((SECONDS < deadline)) || die_with_log "the pipe does not run after $1 s: ${state-} ${message-}" "$data/penstock.log"
    status=$(pipe_status) || { sleep 0.5; continue; }
    IFS='|' read -r state stalled message <<<"$status"
    state=${state:-new}
    tables=$(tail -n +2 <<<"$status" | describe_tables)
    line=$(printf '  %-13s%s' "$state" "$tables")
    if [[ $state != "$shown" && -n $shown ]]; then keep "$last"; fi
    show "$line"
    shown=$state last=$line
    if [[ $stalled == True || $state == Failed ]]; then
      keep "$line"
      keep "  $message"
      die_with_log 'the pipe cannot go on' "$data/penstock.log"
    fi
    if [[ $state == Running ]] && tail -n +2 <<<"$status" | every_table_streams; then break; fi
    sleep 0.3
  done
  keep "$line"
}
