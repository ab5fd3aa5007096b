# shellcheck shell=bash
# Processes that the demo starts: each one ends when the demo ends, however that happens. Sourced by demo.sh.

# Process ids by name, for the order in which stop_process is called to be the demo's own choice.
declare -A process_ids=()

# start_process NAME LOG SIGNAL [SETPRIV-OPTION...] -- COMMAND...: runs it in a session of its own, so that Ctrl-C
# reaches the demo alone, and has the kernel send it SIGNAL if the demo is killed. One setpriv does both that and
# a change of user: the kernel forgets the signal when the user changes.
start_process() {
  local name=$1 log=$2 signal=$3
  shift 3
  setsid setpriv --pdeathsig "$signal" "$@" >"$log" 2>&1 </dev/null 9>&- &
  process_ids[$name]=$!
}

process_runs() {
  [[ -n ${process_ids[$1]-} ]] && jobs -pr | grep -qx "${process_ids[$1]}"
}

# stop_process NAME SIGNAL SECONDS: asks with SIGNAL, insists with SIGKILL when it has not ended after SECONDS.
stop_process() {
  local name=$1 signal=$2 deadline=$((SECONDS + $3)) pid=${process_ids[$1]-}
  [[ -n $pid ]] || return 0
  kill -s "$signal" "$pid" 2>/dev/null || true
  while process_runs "$name" && ((SECONDS < deadline)); do sleep 0.1; done
  if process_runs "$name"; then
    echo "demo: $name did not end within $3 s, killing it" >&2
    kill -s KILL "$pid" 2>/dev/null || true
  fi
  wait "$pid" 2>/dev/null || true
  unset "process_ids[$name]"
}

# wait_until SECONDS NAME LOG COMMAND...: until COMMAND succeeds; fails when NAME ends first, or SECONDS pass.
wait_until() {
  local deadline=$((SECONDS + $1)) name=$2 log=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    process_runs "$name" || die_with_log "$name ended unexpectedly" "$log"
    ((SECONDS < deadline)) || die_with_log "$name is not ready in time" "$log"
    sleep 0.1
  done
}

# The preferred port when nobody listens on it, else another one that is free.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((20000 + RANDOM % 10000)); done
  echo "$port"
}

die() {
  echo "demo: $*" >&2
  exit 1
}

die_with_log() {
  echo "demo: $1; the end of $2:" >&2
  tail -n 25 "$2" | sed 's/^/  | /' >&2
  keep_logs=yes
  exit 1
}
