#!/bin/sh
# Puts faults back that the histories are there to find, one at a time, and demands that they are found: each
# tests/mutants/NAME.patch is built, in a copy of the sources, and NAME.txt is replayed with it.
#
#   scripts/test-mutants.sh BUILD     the build directory that has penstock_histories
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
built=$(cd "$1" && pwd)
copy=$root/build/mutants
build=$copy/build/release

rm -rf "$copy"
mkdir -p "$copy"
(cd "$root" && cp -R CMakeLists.txt CMakePresets.json controller core crds dataplane reconcilers scripts tests \
  charts docs examples "$copy")
ln -s "$root/.deps" "$copy/.deps"
(cd "$copy" && cmake --preset release >/dev/null)

survived=0
for patch in "$root"/tests/mutants/*.patch; do
  name=$(basename "$patch" .patch)
  (cd "$copy" && patch -s -p1 <"$patch")
  ninja -C "$build" -j2 penstock >"$copy/build.log" || { tail -n 30 "$copy/build.log"; exit 1; }
  cp "$built/penstock_histories" "$build"
  if "$build/penstock_histories" --replay "${patch%.patch}.txt" --shrink 0 >"$copy/$name.log" 2>&1; then
    echo "test-mutants: $name was not noticed: $(head -n 1 "$patch")"
    survived=$((survived + 1))
  else
    echo "test-mutants: $name: $(grep -m 1 "^$name: " "$copy/$name.log" | cut -c 1-160)"
    grep -qE "^$name: (SILENT|an excluded)" "$copy/$name.log" || { tail -n 20 "$copy/$name.log"; exit 1; }
  fi
  (cd "$copy" && patch -s -R -p1 <"$patch")
done
[ "$survived" -eq 0 ]
