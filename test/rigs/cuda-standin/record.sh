#!/bin/bash
# record.sh FOLDER: where four releases of onnxruntime-gpu place the nodes of fixtures/models, into placements.json.
set -euo pipefail
folder=$(realpath "$1") rig=$(dirname "$(realpath "$0")")
cd "$rig/../../../fixtures/models"
for version in 1.18.1 1.20.2 1.22.0 1.23.2; do
  site=$folder/onnxruntime-gpu-$version
  # 1.18 was built against NumPy 1.
  [ -d "$site" ] || python3 -m pip install --quiet --target "$site" "onnxruntime-gpu==$version" "numpy<2"
  python3 "$rig/libraries.py" "$site/onnxruntime/capi/libonnxruntime_providers_cuda.so" "$folder/cuda-standin-$version"
  for level in off all; do
    PYTHONPATH=$site LD_LIBRARY_PATH=$folder/cuda-standin-$version python3 "$rig/place.py" $level ./*.onnx 2>"$folder/$version $level.log"
  done
done
python3 - "$folder" <<'END'
import collections, json, re, sys
told = {}
for version in ('1.18.1', '1.20.2', '1.22.0', '1.23.2'):
    for level in ('off', 'all'):
        for part in open(f'{sys.argv[1]}/{version} {level}.log', errors='replace').read().split('=== ')[1:]:
            provider, nodes, cpu, copies = '', 0, collections.Counter(), 0
            for line in part.splitlines():
                placed = re.search(r'(?:nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)', line)
                op = re.search(r'VerifyEachNodeIsAssignedToAnEp\]   (\w+) \(', line)
                if placed:
                    provider, nodes = placed[1], nodes + int(placed[2])
                elif op and op[1].startswith('Memcpy'):
                    copies += 1
                elif op and provider == 'CPUExecutionProvider':
                    cpu[op[1]] += 1
            if nodes:
                told.setdefault(part.split('\n')[0].removeprefix('./'), {})[f'{version} {level}'] = {'nodes': nodes - copies, 'cpu': dict(sorted(cpu.items())), 'copies': copies}
rows = ',\n'.join(f' {json.dumps(model)}: {{\n' + ',\n'.join(f'  {json.dumps(run)}: {json.dumps(real)}' for run, real in runs.items()) + '\n }' for model, runs in told.items())
open('placements.json', 'w').write('{\n' + rows + '\n}\n')
END
