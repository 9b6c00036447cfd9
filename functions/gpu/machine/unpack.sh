#!/bin/sh
# Joins and unpacks what pack.sh made, in the folder where the parts lie, and says what is missing.
set -eu
cd "$(dirname "$0")"
sha256sum --check --quiet SHA256SUMS
cat onestep-gpu.tar.gz.* | tar -xz

providers=onestep-gpu/node_modules/onnxruntime-node/bin/napi-v6/linux/x64
missing=$(LD_LIBRARY_PATH="$PWD/onestep-gpu/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
  ldd "$providers/libonnxruntime_providers_cuda.so" | awk '/not found/ { print $1 }')
# Loaded by name when the first convolution runs, so the file above does not list it.
cudnn=$(
  ldconfig -p 2>/dev/null | grep -o 'libcudnn\.so\.9' || true
  IFS=:
  for folder in "$PWD/onestep-gpu/lib" ${LD_LIBRARY_PATH:-}; do ls "$folder/libcudnn.so.9" 2>/dev/null || true; done
)
if [ -z "$cudnn" ]; then
  missing="${missing:+$missing
}libcudnn.so.9"
fi
if [ -n "$missing" ]; then
  echo "These libraries are not where the loader looks; put their folders into LD_LIBRARY_PATH:" >&2
  echo "$missing" >&2
  exit 1
fi
echo 'Ready: onestep-gpu/onestep bench engine --shape demo --device cuda --json' >&2
