import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { braced } from '../src/paths.ts'
import { placeOf } from '../src/report/place.ts'

describe('paths that differ in one part are one', () => {
  const lib = (name: string) => `/opt/venv/lib/python3.11/site-packages/nvidia/${name}/lib`
  it.each([
    ['nothing', [], []],
    ['one', ['/a/b'], ['/a/b']],
    ['wheels', ['cublas', 'cudnn', 'cuda_runtime'].map(lib), [lib('{cublas,cudnn,cuda_runtime}')]],
    ['the last part', ['/a/b', '/a/c'], ['/a/{b,c}']],
    ['two families', [lib('cublas'), '/usr/lib', lib('cudnn'), '/usr/lib64'], [lib('{cublas,cudnn}'), '/usr/{lib,lib64}']],
    ['two parts differ', ['/a/x/c', '/b/y/c'], ['/a/x/c', '/b/y/c']],
    ['a name that the shell would split', ['/a/b c/d', '/a/e/d'], ['/a/b c/d', '/a/e/d']],
  ] as const)('%s', (_, paths, expected) => expect(braced(paths)).toEqual(expected))

  it('bash reads them back', () => {
    const paths = ['/x/nvidia/cublas/lib', '/x/nvidia/cudnn/lib', '/y/1', '/y/2', '/z']
    expect(execFileSync('bash', ['-c', `printf '%s\\n' ${braced(paths).join(' ')}`], { encoding: 'utf8' }).trim().split('\n')).toEqual(paths)
  })
})

describe('where something was seen, for people', () => {
  it.each([
    ['read /etc/asr.env:3', '/etc/asr.env:3'],
    ['digest log "journal:system:0:asr.service:Sat 2026-11-21 08:48:37 UTC":14', 'the journal of asr.service:14'],
    ['digest log /var/log/asr.txt:7', '/var/log/asr.txt:7'],
    ['digest model /opt/m.onnx', '/opt/m.onnx'],
    ['watch 1000 /proc/4/stat /sys/fs/cgroup/a.service/cpu.stat', '/sys/fs/cgroup/a.service/cpu.stat, watched for 1 s'],
    ['run systemctl --user show --no-pager --property=Id,Names -- asr.service', 'systemctl --user show asr.service'],
    ['run as=service pactl info', 'as the service: pactl info'],
    ['run as=service /opt/asr/venv/bin/python -B - /opt/asr/app gpu onnxruntime onnx:/opt/m.onnx < asr-doctor-probe.py:12', 'the engine tried in the service’s place:12'],
    ['run as=caller /usr/bin/python3 -B - "" gpu onnxruntime < asr-doctor-probe.py', 'the engine tried here'],
    ['run as=service /usr/bin/python3 -B - /opt/asr/app < asr-doctor-view.py', 'its Python'],
    ['run as=service /usr/bin/python3 -B - /opt/asr/server.py < asr-doctor-scan.py', 'its source'],
    ['run as=service cat /opt/asr-doctor-view.py', 'as the service: cat /opt/asr-doctor-view.py'],
  ])('%s', (source, place) => expect(placeOf(source)).toBe(place))
})
