#!/bin/sh
# Packs Onestep for a GPU machine that has neither Node nor the internet: Node itself, the production
# packages, ONNX Runtime's CUDA provider and, with --with-cuda, the libraries of CUDA 13 and cuDNN 9.
#
#   functions/gpu/machine/pack.sh [--with-cuda] FOLDER
#
# FOLDER then holds onestep-gpu.tar.gz in parts of 60 MiB, their sums, and unpack.sh. Copy it to the
# machine, run "sh unpack.sh" there, and "onestep-gpu/onestep bench engine --device cuda".
# Wants here: git, npm, pip, tar, gzip, split; a Node of the machine's own kind (linux, x64).
set -eu

with_cuda=no
if [ "${1:-}" = --with-cuda ]; then with_cuda=yes; shift; fi
out=${1:?name the folder that the parts go to}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
app=$work/onestep-gpu
mkdir -p "$app/bin" "$app/lib"

# What is committed, without tests and documents.
git -C "$root" archive HEAD package.json package-lock.json .npmrc tsconfig.json shared functions models |
  tar -x -C "$app"
(cd "$app" && npm ci --omit=dev --no-audit --no-fund --loglevel=error)
cp -L "$(command -v node)" "$app/bin/node"
# ONNX Runtime's package holds the libraries of every platform.
runtimes=$app/node_modules/onnxruntime-node/bin/napi-v6
rm -rf "$runtimes/darwin" "$runtimes/win32" "$runtimes/linux/arm64"

# The very wheel that the container takes, by its hash.
grep -o 'onnxruntime-gpu==[^"]*' "$root/functions/gpu/Dockerfile" >"$work/wheel.txt"
pip download --quiet --no-deps --require-hashes --only-binary=:all: --python-version 3.12 \
  --platform manylinux_2_28_x86_64 --dest "$work" --requirement "$work/wheel.txt"
python3 -m zipfile -e "$work"/onnxruntime_gpu-*.whl "$work/wheel"
cp "$work"/wheel/onnxruntime/capi/libonnxruntime_providers_cuda.so \
  "$work"/wheel/onnxruntime/capi/libonnxruntime_providers_shared.so \
  "$runtimes/linux/x64/"

if [ "$with_cuda" = yes ]; then
  pip download --quiet --no-deps --only-binary=:all: --dest "$work/cuda" \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-nvrtc==13.0.88 nvidia-cublas==13.1.1.3 \
    nvidia-curand==10.4.0.35 nvidia-cudnn-cu13==9.24.0.43
  for wheel in "$work"/cuda/*.whl; do python3 -m zipfile -e "$wheel" "$work/cuda/unpacked"; done
  find "$work/cuda/unpacked" -name 'lib*.so*' -exec cp {} "$app/lib/" \;
fi

cat >"$app/onestep" <<'SCRIPT'
#!/bin/sh
# Runs the onestep command with the Node and the libraries that lie beside this file.
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PATH="$here/bin:$PATH" ONESTEP_SKIP_INSTALL=1
exec "$here/bin/node" "$here/functions/cli/launch.mjs" "$@"
SCRIPT
chmod +x "$app/onestep"

rm -f "$out"/onestep-gpu.tar.gz.*
tar -C "$work" -c onestep-gpu | gzip -6 | split -b 60M - "$out/onestep-gpu.tar.gz."
(cd "$out" && sha256sum onestep-gpu.tar.gz.* >SHA256SUMS)
cp "$here/unpack.sh" "$out/"
echo "$(ls "$out"/onestep-gpu.tar.gz.* | wc -l) parts in $out" >&2
