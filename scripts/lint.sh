#!/usr/bin/env bash
# Runs clang-tidy on each source that changed, or that includes a file that did, since it last passed.
#
#   scripts/lint.sh BUILD-DIR     a built one: its compile commands and recorded includes are used
set -euo pipefail

cd "$(dirname "$0")/.."
build=${1:?usage: scripts/lint.sh BUILD-DIR}
export build

# One line for each compiled source: the source, then every file of the project that it is made of.
sources_and_parts() {
  ninja -C "$build" -t deps | awk -v root="$PWD/" '
    /^[^ ]/ { if (parts != "") print parts; parts = ""; next }
    index($1, root) == 1 { path = substr($1, length(root) + 1); if (path !~ /^build\//) parts = parts path " " }
    END { if (parts != "") print parts }' | sort -u
}

is_stale() {
  local passed=$build/lint/$1.passed part
  [[ -f $passed && ! .clang-tidy -nt $passed ]] || return 0
  [[ $1 != tests/* || ! tests/.clang-tidy -nt $passed ]] || return 0
  for part in "$@"; do
    [[ ! $part -nt $passed ]] || return 0
  done
  return 1
}

tidy() {
  local passed=$build/lint/$1.passed begun
  mkdir -p "$(dirname "$passed")"
  begun=$(mktemp "$passed.XXXXXX") # as old as what is read now: an edit meanwhile is not missed
  # The commands are meant for GCC and may hold warnings that Clang does not know.
  if clang-tidy-14 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>"$begun.err"; then
    mv "$begun" "$passed"
  else
    grep -v 'warnings generated' "$begun.err" >&2 || true
    rm -f "$begun"
    result=1
  fi
  rm -f "$begun.err"
  return "${result-0}"
}
export -f tidy

stale=()
while read -ra parts; do
  if is_stale "${parts[@]}"; then stale+=("${parts[0]}"); fi
done < <(sources_and_parts)

((${#stale[@]})) || exit 0
echo "clang-tidy: ${#stale[@]} files"
printf '%s\0' "${stale[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'tidy "$1"' tidy
