#!/bin/bash
# record.sh FOLDER: where releases of onnxruntime-gpu place the nodes of fixtures/models and fixtures/models/field, into placements.json there.
set -euo pipefail
folder=$(realpath "$1") rig=$(dirname "$(realpath "$0")")
models=$(realpath "$rig/../../../fixtures/models")
mkdir -p "$folder/field"
for packed in "$models"/field/*.onnx.gz; do gzip -dc "$packed" >"$folder/field/$(basename "$packed" .gz)"; done
for version in 1.18.1 1.20.2 1.22.0 1.23.2 1.24.1 1.30.0; do
  site=$folder/onnxruntime-gpu-$version
  # 1.18 was built against NumPy 1.
  [ -d "$site" ] || python3 -m pip install --quiet --target "$site" "onnxruntime-gpu==$version" "numpy<2"
  python3 "$rig/libraries.py" "$site/onnxruntime/capi/libonnxruntime_providers_cuda.so" "$folder/cuda-standin-$version"
  place() { PYTHONPATH=$site LD_LIBRARY_PATH=$folder/cuda-standin-$version python3 "$rig/place.py" "$1" ./*.onnx 2>"$2/$version $1.log"; }
  mkdir -p "$folder/logs" "$folder/field-logs"
  (cd "$models" && [[ $version != 1.24.1 && $version != 1.30.0 ]] && place off "$folder/logs" && place all "$folder/logs") || true
  (cd "$folder/field" && place off "$folder/field-logs")
done
python3 "$rig/placements.py" "$folder"/logs/*.log >"$models/placements.json"
python3 "$rig/placements.py" "$folder"/field-logs/*.log >"$models/field/placements.json"
