"""placements.py LOG…: where each model's nodes went, out of logs of place.py named `VERSION LEVEL.log`, as JSON on stdout."""
import collections, json, os, re, sys

told = {}
for log in sys.argv[1:]:
    run = os.path.basename(log).removesuffix('.log')
    for part in open(log, errors='replace').read().split('=== ')[1:]:
        provider, nodes, cpu, copies = '', 0, collections.Counter(), 0
        for line in part.splitlines():
            placed = re.search(r'(?:nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)', line)
            op = re.search(r'VerifyEachNodeIsAssignedToAnEp(?:Impl)?\]   (\w+) \(', line)
            if placed:
                provider, nodes = placed[1], nodes + int(placed[2])
            elif op and op[1].startswith('Memcpy'):
                copies += 1
            elif op and provider == 'CPUExecutionProvider':
                cpu[op[1]] += 1
        if nodes:
            told.setdefault(part.split('\n')[0].removeprefix('./'), {})[run] = {'nodes': nodes - copies, 'cpu': dict(sorted(cpu.items())), 'copies': copies}
rows = ',\n'.join(f' {json.dumps(model)}: {{\n' + ',\n'.join(f'  {json.dumps(run)}: {json.dumps(real)}' for run, real in runs.items()) + '\n }' for model, runs in told.items())
print('{\n' + rows + '\n}')
