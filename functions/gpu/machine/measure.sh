#!/bin/sh
# Measures the engine on a GPU machine in at most 12 minutes: the demo model, then SDXL's size at 1024x1024
# with both decoders and a profile of its operators, each beside the CPU's image, then at 512x512.
#
#   onestep-gpu/functions/gpu/machine/measure.sh [FOLDER]
#
# FOLDER (default: measured) gets a JSON report of each run and what it said, and takes 30 GB meanwhile.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
app=$(cd "$here/../../.." && pwd)
out=${1:-measured}
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Unpacked by unpack.sh, there is a command that finds its libraries; in a checkout, npx.
if [ -x "$app/onestep" ]; then onestep="$app/onestep"; else onestep="npx --no onestep"; fi
cd "$app"
nvidia-smi >"$out/gpu.txt"

# A run that takes longer is ended; the next one is made all the same.
failed=no
measure() {
  name=$1 seconds=$2
  shift 2
  echo "$name: at most $seconds s" >&2
  # Words, not a path: it may be "npx --no onestep".
  # shellcheck disable=SC2086
  if ! timeout "$seconds" $onestep bench engine --device cuda --dir "$out" --json "$@" \
    >"$out/$name.json" 2>"$out/$name.txt"; then
    echo "$name failed; see $out/$name.txt" >&2
    failed=yes
  fi
}
measure demo 75 --shape demo
measure sdxl-1024 420 --shape sdxl --decoder tiny --size 1024 --profile
measure sdxl-512 225 --shape sdxl --size 512 --compare none
rm -rf "$out"/onestep-bench-*
[ "$failed" = no ]
echo "Reports are in $out" >&2
