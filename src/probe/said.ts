const LINES = 40

/** What the parent of a probe makes of the words of an engine: where it placed nodes, and what may be a reason. */
export const SAID = `class Said:
    """What a child prints, line by line: the placement out of the verbose log, and a few lines that are no mere information."""
    def __init__(self):
        self.rest, self.first, self.last, self.mark, self.provider, self.placed = b'', [], [], '-', None, {}
    def push(self, data):
        lines = (self.rest + data).split(b'\\n')
        self.rest = lines.pop()[:4096]
        for line in lines:
            self.line(line[:4000].decode('utf-8', 'replace'))
    def line(self, line):
        line = re.sub(r'\\x1b\\[[0-9;]*[A-Za-z]', '', line).rstrip()
        mark = re.match(r'=====asr-doctor session (-|\\d{1,2})$', line)
        if mark:
            self.mark, self.provider = mark.group(1), None
            return
        here = self.placed.setdefault(self.mark, {'placed': {}, 'cpuOps': {}, 'copies': 0})
        counted = re.search(r'(?:nodes|Node\\(s\\)) placed on \\[(\\w+)\\]\\. Number of nodes: (\\d+)', line)
        if counted:
            self.provider = counted.group(1)
            here['placed'][self.provider] = here['placed'].get(self.provider, 0) + int(counted.group(2))
            return
        op = re.search(r'VerifyEachNodeIsAssignedToAnEp\\S* {2,}(\\w+) \\(', line)
        if op and op.group(1).startswith('Memcpy'):
            here['copies'] += 1
            if self.provider:
                here['placed'][self.provider] -= 1
        elif op and self.provider == 'CPUExecutionProvider':
            here['cpuOps'][op.group(1)] = here['cpuOps'].get(op.group(1), 0) + 1
        if line == '' or re.search(r' \\[[VI]:onnxruntime:', line):
            return
        (self.first if len(self.first) < ${LINES / 2} else self.last).append(line[:1200])
        del self.last[:-${LINES / 2}]

def finish(told, said):
    for session in told.get('sessions', []):
        here = said.placed.get(session.pop('mark'), {'placed': {}, 'cpuOps': {}, 'copies': 0})
        session['placed'] = [{'provider': p, 'nodes': n} for p, n in sorted(here['placed'].items())]
        session['cpuOps'] = [{'op': o, 'nodes': n} for o, n in sorted(here['cpuOps'].items(), key=lambda each: -each[1])][:20]
        session['copies'] = here['copies']
    told['said'] = said.first + said.last
    return told

`
