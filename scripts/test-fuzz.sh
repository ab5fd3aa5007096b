#!/usr/bin/env bash
# Runs fuzz targets for a while each, two at once, from the inputs below tests/fuzz/corpus.
#
#   scripts/test-fuzz.sh BUILD-DIR SECONDS [TARGET…]
#
# New inputs are kept in BUILD-DIR/corpus/TARGET, so that the next run goes on from them; one that ends a target is
# BUILD-DIR/finds/TARGET-…: mend what it shows, then put it into tests/fuzz/corpus/TARGET under a name that says what
# it is. Fails when there is one.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
build=${1:?usage: scripts/test-fuzz.sh BUILD-DIR SECONDS [TARGET...]}
seconds=${2:?how many seconds each}
shift 2
export build seconds
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-14)
export ASAN_SYMBOLIZER_PATH

one() {
  local target=$1 seeds=tests/fuzz/corpus/$1 log=$build/logs/$1
  mkdir -p "$build/corpus/$target" "$build/finds" "$build/logs"
  if "$build/${target}_fuzz" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="$build/finds/$target-" "$build/corpus/$target" "$seeds" >"$log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
  else
    echo "$target: FAILED"
    grep -v '^#[0-9]*.*NEW\|^INFO:' "$log" | tail -n 40
    return 1
  fi
}
export -f one

(($#)) || set -- $(cd tests/fuzz && printf '%s\n' *_fuzz.cpp | sed 's/_fuzz.cpp$//')
printf '%s\0' "$@" | xargs -0 -n 1 -P 2 bash -c 'one "$1"' one
