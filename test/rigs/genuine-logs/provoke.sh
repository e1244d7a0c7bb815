#!/bin/bash
# provoke.sh FOLDER [SAMPLE…]: makes files of fixtures/logs anew from genuine programs. FOLDER keeps what is installed.
set -euo pipefail
[ $# -ge 1 ] || { echo "provoke.sh FOLDER [SAMPLE…]" >&2; exit 2; }
mkdir -p "$1"
folder=$(realpath "$1"); shift; wanted=("$@")
rig=$(dirname "$(realpath "$0")") root=$(realpath "$rig/../../..")
logs=$root/fixtures/logs models=$root/fixtures/models
python=$(command -v python3.11)
unset LD_LIBRARY_PATH PYTHONPATH
export OMP_NUM_THREADS=2 HF_HUB_OFFLINE=1 TQDM_DISABLE=1
trap 'rm -rf "$folder/work"' EXIT

# site NAME PACKAGE…: installed by themselves, as a folder for PYTHONPATH.
site() { local to=$folder/$1; shift; [ -d "$to" ] || { "$python" -m pip install --quiet --disable-pip-version-check --target "$to.part" "$@" && mv "$to.part" "$to"; }; echo "$to"; }
# package NAME@VERSION: an npm package, unpacked and not installed: no script of it runs.
package() { local to=$folder/npm-${1//[@\/]/-}; [ -d "$to" ] || { mkdir -p "$to.part" && (cd "$to.part" && npm pack --silent "$1" >/dev/null && tar xzf ./*.tgz && rm ./*.tgz) && mv "$to.part" "$to"; }; echo "$to/package"; }
# deb NAME…: packages of Debian 12, unpacked and not installed, with what they depend on when ALL is set.
deb() {
  local to=$folder/deb apt=$folder/apt; mkdir -p "$to" "$apt/lists/partial" "$apt/archives/partial"
  [ -f "$apt/sources.list" ] || echo 'deb http://deb.debian.org/debian bookworm main non-free' >"$apt/sources.list"
  : >"$apt/status"
  local options=(-qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" -o APT::Sandbox::User=root)
  [ -f "$apt/updated" ] || { apt-get "${options[@]}" update && touch "$apt/updated"; }
  for name in "$@"; do
    [ -e "$to/.$name" ] || { rm -f "$apt"/archives/*.deb; if [ -n "${ALL:-}" ]; then apt-get "${options[@]}" install --download-only --yes --no-install-recommends "$name" >/dev/null; else (cd "$apt/archives" && apt-get "${options[@]}" download "$name"); fi
      for file in "$apt"/archives/*.deb; do case $file in */libc6_*) ;; *) dpkg-deb -x "$file" "$to";; esac; done; touch "$to/.$name"; }
  done; echo "$to"
}
# sample FILE COMMAND…: both streams, at most 60 lines, with folders and the host replaced.
sample() {
  local name=$1; shift
  ( timeout 180 "$@" 2>&1 || true ) | sed -e "s|$work|/opt/asr|g; s|$folder/[^ :]*site-packages|/opt/asr/site-packages|g; s|$folder/npm-[^/]*|/opt/asr/node_modules|g; s|$folder/deb||g; s|$folder|/opt/asr|g; s|$rig|/opt/asr|g; s|$root|/opt/asr|g; s|/[^ ]*/lib/python3.11/|/usr/lib/python3.11/|g; s|$HOME|/root|g; s|hostname=[^ ]*|hostname=host1|g" | awk -v most="${LINES_KEPT:-60}" 'NR <= most { print substr($0, 1, 1200) }' >"$logs/$name.txt"
  echo "$name: $(wc -l <"$logs/$name.txt") lines"
}
asked() { [ ${#wanted[@]} = 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }
section() { asked "$1" || return 1; work=$folder/work; rm -rf "$work"; mkdir -p "$work"; }
standins() { [ -d "$2" ] || "$python" "$rig/../cuda-standin/libraries.py" "$1" "$2"; }
# ort VERSION: the site of onnxruntime-gpu, with stand-in libraries beside it.
ort() { local to; to=$(site "onnxruntime-gpu-$1" "onnxruntime-gpu==$1" "$([ "$1" = 1.18.1 ] && echo 'numpy<2' || echo numpy)" onnx); standins "$to/onnxruntime/capi/libonnxruntime_providers_cuda.so" "$folder/cuda-standin-$1"; echo "$to"; }
# Libraries of $1, with those named after it in place of theirs.
mixed() { local from=$1 each; shift; rm -rf "$work/lib"; mkdir "$work/lib"; cp -P "$from"/*.so* "$work/lib"; rm -f "$work"/lib/{*.c,*.map,libcuda.so.1}; for each in "$@"; do rm -f "$work/lib/$(basename "$each")"; ln -s "$each" "$work/lib/"; done; }

if section ort-arena; then s=$(ort 1.23.2); LINES_KEPT=400 sample onnxruntime-gpu-1.23.2-arena env PYTHONPATH="$s" LD_LIBRARY_PATH="$folder/cuda-standin-1.23.2" "$python" -S "$rig/load.py" 1 "$models/joiner.onnx"; sed -i -n '/Extending/{p;n;n;n;n;n;n}' "$logs/onnxruntime-gpu-1.23.2-arena.txt"; fi
if section ort-cuda-path; then s=$(ort 1.18.1); sample onnxruntime-gpu-1.18.1-cuda-path env PYTHONPATH="$s" CUDA_PATH=/usr/local/cuda "$python" -S "$rig/load.py" 2 "$models/joiner.onnx"; fi
if section ort-no-cudnn; then s=$(ort 1.30.0); sample onnxruntime-gpu-1.30.0-no-cudnn env PYTHONPATH="$s" LD_LIBRARY_PATH="$folder/cuda-standin-1.30.0" "$python" -S "$rig/load.py" 2 "$models/encoder.onnx" run; fi
if section ort-run-failed; then s=$(ort 1.23.2); sample onnxruntime-gpu-1.23.2-failed-while-running env PYTHONPATH="$s" LD_LIBRARY_PATH="$folder/cuda-standin-1.23.2" "$python" -S "$rig/load.py" 2 "$models/encoder.onnx" run; fi
if section ort-cudnn; then s=$(ort 1.23.2); c=$(site cudnn-9.10 --no-deps nvidia-cudnn-cu12==9.10.2.21); mixed "$folder/cuda-standin-1.23.2" "$c"/nvidia/cudnn/lib/*.so.9; sample onnxruntime-gpu-1.23.2-cudnn-failure env PYTHONPATH="$s" LD_LIBRARY_PATH="$work/lib" "$python" -S "$rig/load.py" 2 "$models/encoder.onnx"; fi
if section ort-cublas; then s=$(ort 1.23.2); c=$(site cublas-12.8 --no-deps nvidia-cublas-cu12==12.8.4.1); mixed "$folder/cuda-standin-1.23.2" "$c"/nvidia/cublas/lib/libcublas{,Lt}.so.12; sample onnxruntime-gpu-1.23.2-cublas-failure env PYTHONPATH="$s" LD_LIBRARY_PATH="$work/lib" "$python" -S "$rig/load.py" 2 "$models/encoder.onnx"; fi
if section ort-affinity; then s=$(ort 1.23.2); sample onnxruntime-1.23.2-affinity env PYTHONPATH="$s" "$python" -S -c "
import onnxruntime as o
options = o.SessionOptions()
options.intra_op_num_threads = 3
options.add_session_config_entry('session.intra_op_thread_affinities', '900;901')
o.InferenceSession('$models/joiner.onnx', options, providers=['CPUExecutionProvider'])"; fi
if section ort-memory; then s=$(ort 1.23.2); sample onnxruntime-1.23.2-out-of-memory bash -c "ulimit -v 4000000; PYTHONPATH='$s' OPENBLAS_NUM_THREADS=1 '$python' -S -c '
import numpy, onnx, onnxruntime
from onnx import TensorProto as T, helper as h
graph = h.make_graph([h.make_node(\"ConstantOfShape\", [\"s\"], [\"y\"])], \"g\", [h.make_tensor_value_info(\"s\", T.INT64, [1])], [h.make_tensor_value_info(\"y\", T.FLOAT, None)])
session = onnxruntime.InferenceSession(h.make_model(graph, opset_imports=[h.make_opsetid(\"\", 17)], ir_version=8).SerializeToString(), providers=[\"CPUExecutionProvider\"])
session.run(None, {\"s\": numpy.array([5_000_000_000])})'"; fi
if section ort-versions; then n=$(package onnxruntime-node@1.14.0); sample onnxruntime-1.14.0-older-than-its-program "$python" -S "$rig/ort-capi.py" "$n/bin/napi-v3/linux/x64/libonnxruntime.so.1.14.0" 17; n=$(package onnxruntime-node@1.22.0); sample onnxruntime-1.22.0-older-than-its-program "$python" -S "$rig/ort-capi.py" "$n/bin/napi-v6/linux/x64/libonnxruntime.so.1" 24; fi
if section ort-rs; then
  s=$(ort 1.22.0) n=$(package onnxruntime-node@1.22.0)
  cp -r "$rig/ort-rs" "$work/ort-rs"; CARGO_TARGET_DIR=$folder/cargo cargo build --quiet --manifest-path "$work/ort-rs/Cargo.toml"
  mkdir "$work/lib"; cp "$n/bin/napi-v6/linux/x64/libonnxruntime.so.1" "$work/lib/"; ln -s "$s"/onnxruntime/capi/libonnxruntime_providers_{cuda,shared}.so "$work/lib/"
  for how in registered failed; do
    LINES_KEPT=6 sample "ort-2.0.0-rc.10-$how" env ORT_DYLIB_PATH="$work/lib/libonnxruntime.so.1" LD_LIBRARY_PATH="$([ $how = registered ] && echo "$folder/cuda-standin-1.22.0")" "$folder/cargo/debug/probe" "$models/joiner.onnx"
  done
fi
if section ct2-cublas; then
  s=$(site ctranslate2-4.6.2 ctranslate2==4.6.2 setuptools) c=$(site cublas-12.8 --no-deps nvidia-cublas-cu12==12.8.4.1)
  sample ctranslate2-4.6.2-no-cublas env PYTHONPATH="$s" CT2_VERBOSE=1 "$python" -S "$rig/ct2-cublas.py"
  sample ctranslate2-4.6.2-cublas env PYTHONPATH="$s" LD_LIBRARY_PATH="$c/nvidia/cublas/lib" CT2_VERBOSE=1 "$python" -S "$rig/ct2-cublas.py"
fi
if section cudnn; then
  c=$(site cudnn-8.9 --no-deps nvidia-cudnn-cu11==8.9.6.50); mkdir "$work/8"; cp "$c/nvidia/cudnn/lib/libcudnn.so.8" "$work/8/"; sample cudnn-8.9.6-part-missing "$python" -S "$rig/cudnn.py" "$work/8/libcudnn.so.8"
  c=$(site cudnn-9.10 --no-deps nvidia-cudnn-cu12==9.10.2.21); mkdir "$work/9"; cp "$c"/nvidia/cudnn/lib/libcudnn{,_graph}.so.9 "$work/9/"; sample cudnn-9.10.2-part-missing env LD_LIBRARY_PATH="$work/9" "$python" -S "$rig/cudnn.py" "$work/9/libcudnn.so.9"
fi
if section torch; then
  t=$(site torch-2.8.0 torch==2.8.0 numpy) c=$(site cudnn-9.1 --no-deps nvidia-cudnn-cu12==9.1.0.70)
  gcc -w -shared -fPIC -o "$work/card.so" "$rig/card.c"
  # torch looks the driver's functions up by name; they are never called.
  { strings -a "$t"/torch/lib/lib{c10_cuda,torch_cuda,caffe2_nvrtc}.so | grep -xE 'cu[A-Z]\w+' | grep -vE '^cu(blas|dnn|fft|sparse|solver|rand|file|pti|da)' | sort -u | sed 's/.*/int &(void) { return 0; }/'; } >"$work/cuda.c"
  gcc -w -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$work/libcuda.so.1" "$work/cuda.c"
  cuda() { local name=$1; shift; sample "torch-2.8.0-$name" env PYTHONPATH="$t" LD_LIBRARY_PATH="$work" LD_PRELOAD="$work/card.so" "$@" "$python" -S "$rig/torch-cuda.py"; }
  sample torch-2.8.0-no-driver env PYTHONPATH="$t" "$python" -S "$rig/torch-cuda.py"
  cuda driver-old COUNT_ERROR=35 DRIVER=11040; cuda unknown-error COUNT_ERROR=999; cuda no-gpus COUNT_ERROR=100; cuda out-of-memory MALLOC_ERROR=2
  cuda architecture MAJOR=5 MINOR=2; cuda no-kernel-image LAUNCH_ERROR=209
  sample torch-2.8.0-other-cudnn env PYTHONPATH="$t" LD_PRELOAD="$c/nvidia/cudnn/lib/libcudnn.so.9" LD_LIBRARY_PATH="$c/nvidia/cudnn/lib" "$python" -S -c 'import torch; torch.backends.cudnn.version()'
fi
if section torch-cpu; then
  d=$(ALL=1 deb python3-torch); libraries=$(find "$d" \( -name '*.so' -o -name '*.so.*' \) -printf '%h\n' | sort -u | tr '\n' ':')
  sample torch-1.13.1-debian-cpu env PYTHONPATH="$d/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$libraries" /usr/bin/python3 -c 'import torch; torch.zeros(1).cuda()'
fi
if section accelerate; then s=$(site transformers-4.57.1 transformers==4.57.1 accelerate==1.15.0 torch==2.8.0 numpy); sample accelerate-1.15.0-offloaded env PYTHONPATH="$s" CUDA_VISIBLE_DEVICES= "$python" -S "$rig/offload.py"; fi
if section openai-whisper; then s=$(site openai-whisper-20250625 openai-whisper==20250625 torch==2.8.0); sample openai-whisper-20250625-cpu env PYTHONPATH="$s" "$python" -S "$rig/openai-whisper.py"; fi
if section faster-whisper; then s=$(site faster-whisper-1.2.1 faster-whisper==1.2.1 transformers==4.57.1 torch==2.8.0 setuptools); sample faster-whisper-1.2.1-cpu env PYTHONPATH="$s" CT2_VERBOSE=1 "$python" -S "$rig/faster-whisper.py" "$work" 2; fi
if section sherpa; then
  s=$(site sherpa-onnx-1.13.8 sherpa-onnx==1.13.8 sherpa-onnx-bin==1.13.8 onnx numpy); PYTHONPATH=$s "$python" -S "$rig/sherpa-model.py" "$work"
  sample sherpa-onnx-1.13.8-offline env LD_LIBRARY_PATH="$s/sherpa_onnx/lib" "$s/bin/sherpa-onnx-offline" "--nemo-ctc-model=$work/model.onnx" "--tokens=$work/tokens.txt" --provider=cuda "$work/noise.wav"
fi
if section whisper-cpp; then
  n=$(package @fugood/node-whisper-linux-x64-cuda@1.1.3)/index.node; standins "$n" "$folder/cuda-standin-whisper"
  c=$(site nccl --no-deps nvidia-nccl-cu12==2.27.3)/nvidia/nccl/lib; r=$(site runtime-12.8 --no-deps nvidia-cuda-runtime-cu12==12.8.90 nvidia-cublas-cu12==12.8.4.1)
  "$python" "$rig/ggml-model.py" "$work/tiny.bin"
  sample whisper.cpp-cuda-backend env LD_LIBRARY_PATH="$folder/cuda-standin-whisper:$c" node "$rig/whisper-cpp.cjs" "$n" "$work/tiny.bin"
  mkdir "$work/driver"; cp "$folder/cuda-standin-whisper/libcuda.so.1" "$work/driver/"
  sample whisper.cpp-cuda-init-failed env LD_LIBRARY_PATH="$work/driver:$r/nvidia/cuda_runtime/lib:$r/nvidia/cublas/lib:$c" node "$rig/whisper-cpp.cjs" "$n" "$work/tiny.bin"
fi
if section nvml; then
  d=$(deb nvidia-smi libnvidia-ml1); gcc -w -shared -fPIC -o "$work/nvidiactl.so" "$rig/nvidiactl.c" -ldl
  sample nvidia-smi-535-version-mismatch env MODULE=535.54.03 LD_PRELOAD="$work/nvidiactl.so" LD_LIBRARY_PATH="$d/usr/lib/x86_64-linux-gnu/nvidia/current" "$d/usr/lib/nvidia/current/nvidia-smi"
fi
if section git-lfs; then d=$(deb git-lfs); echo model >"$work/model.onnx"; sample git-lfs-3.3.0-pointer "$d/usr/bin/git-lfs" pointer "--file=$work/model.onnx"; fi
if section exit-code; then sample python-3.11-exit-status "$python" -c "import subprocess; subprocess.run(['sh', '-c', 'sh -c \"kill -SEGV \\\$\\\$\"; exit \$?'], check=True)"; fi
if section nemo; then s=$(site nemo-2.4.0 'nemo_toolkit[asr]==2.4.0' torch==2.8.0 torchaudio==2.8.0 'numpy<2.3' pyarrow==19.0.1 setuptools); sample nemo-2.4.0-no-conditional-nodes env PYTHONPATH="$s" "$python" -S "$rig/nemo-graphs.py"; fi
if section driver; then
  s=$(site ctranslate2-4.6.0 ctranslate2==4.6.0 setuptools); mkdir "$work/not-started"; gcc -w -shared -fPIC -o "$work/not-started/libcuda.so.1" "$rig/driver.c"
  sample ctranslate2-4.6.0-driver-not-started sh -c 'for error in 802 803 804; do INIT_ERROR=$error PYTHONPATH=$1 LD_LIBRARY_PATH=$2 "$3" -S -c "import ctranslate2; ctranslate2.get_supported_compute_types(\"cuda\")" 2>&1 | tail -1; done' - "$s" "$work/not-started" "$python"
fi
if section no-cudnn; then sample python-3.11-no-cudnn "$python" -c "import ctypes; ctypes.CDLL('libcudnn.so.9')"; fi
if section ort-web; then n=$(package onnxruntime-web@1.22.0); sample onnxruntime-web-1.22.0-cuda node -e "require('$n').InferenceSession.create(require('fs').readFileSync('$models/joiner.onnx'), { executionProviders: ['cuda', 'wasm'] }).then(() => console.log('OK'))"; fi
