import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PythonView } from '../../src/facts/python.ts'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { examineInBox, type Seen, type Where } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { unpacked, wheelsMissing, WHEELS } from './wheels.ts'

const MODULES = ['checks/python/index.ts', 'src/facts/python.ts', 'src/facts/python-interpreter.ts']
const missing = boxMissing() ?? wheelsMissing() ?? (existsSync('/usr/bin/python3') ? null : 'the distribution has no Python: apt-get install python3')

const SERVER = `import os, time
try:
    import nvidia.cuda_runtime
    folder = os.path.dirname(nvidia.cuda_runtime.__file__)
except (ImportError, TypeError):
    folder = None
time.sleep(3600)
`

const UNIT = `[Service]
User=asr
ExecStart=/opt/asr/venv/bin/python /opt/asr/app/server.py
`

describeWith('systemd box with python', missing, () => {
  let box: Box
  beforeAll(() => {
    box = bootBox('python')
    box.script(`
      useradd -m -u 1500 asr
      useradd -m -u 1501 other
      install -d /opt/asr/app /srv/site
      /usr/bin/python3 -m venv --without-pip --system-site-packages /opt/asr/venv
      cp -r ${unpacked(WHEELS.nvtxWithoutInit)}/. "$(echo /opt/asr/venv/lib/python3*/site-packages)"
      cp -r ${unpacked(WHEELS.runtimeWithoutInit)}/. /srv/site
      user=$(echo /home/asr/.local/lib/$(basename /opt/asr/venv/lib/python3*)/site-packages)
      install -d "$user"
      cp -r ${unpacked(WHEELS.runtimeWithoutInit)}/. "$user"
      chown -R asr:asr /home/asr
      chmod 700 /home/asr
      cat >/opt/asr/app/server.py <<'END'
${SERVER}END
      printf '#!/bin/bash\\n# sets up the place\\n/opt/asr/venv/bin/python /opt/asr/app/server.py\\necho ended\\n' >/opt/asr/app/start.sh
      chmod 755 /opt/asr/app/start.sh
    `)
  })
  afterAll(() => box?.stop())

  const unit = (name: string, text: string, start = true): void => void box.script(`cat >/etc/systemd/system/${name}.service <<'END'\n${text}END\nsystemctl daemon-reload\n${start ? `systemctl start ${name}\nsleep 0.2\n` : ''}`)
  const examine = async (name: string, where: Where = {}): Promise<Seen> => {
    const [seen] = await examineInBox(box, [{ target: { kind: 'unit', name: `${name}.service`, scope: 'system' }, checks: ['python/namespace-file-idiom'], facts: ['python', 'python-interpreter'] }], MODULES, where)
    return seen!
  }
  const view = (seen: Seen): PythonView => {
    const fact = seen.facts['python']!
    if (!('value' in fact)) throw new Error(fact.because)
    return fact.value as PythonView
  }

  it('the interpreter is asked as the user of the service: his own site directory is seen, and root’s is not', async () => {
    unit('plain', UNIT)
    const seen = await examine('plain')
    expect(seen.facts['python-interpreter']).toMatchObject({ value: { executable: '/opt/asr/venv/bin/python', scriptFolder: '/opt/asr/app', as: { uid: 1500 } } })
    expect(view(seen).userSite.path).toMatch(/^\/home\/asr\/\.local\//)
    expect([...view(seen).nvidia.roots].sort().map((root) => root.replace(/python3\.\d+/, 'pythonX'))).toEqual(['/home/asr/.local/lib/pythonX/site-packages/nvidia', '/opt/asr/venv/lib/pythonX/site-packages/nvidia'])
    const outcome = seen.outcomes.get('python/namespace-file-idiom')!
    expect(outcome).toMatchObject({ status: 'found', findings: [{ cause: expect.stringMatching(/^\/opt\/asr\/app\/server\.py:4 takes the folder of the libraries from nvidia\.cuda_runtime\.__file__, and it is None: \/home\/asr\/\S+ holds no __init__\.py\.$/) }] })
  })

  it('and in its mount namespace: what ProtectHome hides is not seen, what a bind mount puts there is', async () => {
    unit('hidden', `${UNIT}ProtectHome=yes\nBindReadOnlyPaths=/srv/site:/opt/asr/site\nEnvironment=PYTHONPATH=/opt/asr/site\nPrivateTmp=yes\n`)
    const seen = await examine('hidden')
    expect(view(seen).path[1]).toBe('/opt/asr/site')
    expect(view(seen).nvidia.libraryDirs.map(({ directory }) => directory.replace(/python3\.\d+/, 'pythonX'))).toEqual(['/opt/asr/site/nvidia/cuda_runtime/lib', '/opt/asr/venv/lib/pythonX/site-packages/nvidia/nvtx/lib'])
    expect(box.script('ls -A /opt/asr/site')).toBe('')
  })

  it('an interpreter that lies only in the namespace of the service is asked there', async () => {
    box.script('/usr/bin/python3 -m venv --without-pip /srv/inside; install -d /opt/inside')
    unit('inside', `${UNIT.replace('/opt/asr/venv/bin/python', '/opt/inside/bin/python')}BindReadOnlyPaths=/srv/inside:/opt/inside\nInaccessiblePaths=/srv\n`)
    expect(view(await examine('inside'))).toMatchObject({ executable: '/opt/inside/bin/python', venv: '/opt/inside', nvidia: { roots: [] } })
    expect(box.run('test', '-e', '/opt/inside/bin/python').code).toBe(1)
  })

  it('another user than the service’s cannot ask in its place, and says so', async () => {
    const seen = await examine('plain', { user: 'other' })
    expect(seen.facts['python']).toMatchObject({ error: 'CannotSee', because: expect.stringMatching(/may not be (read|seen)/), how: expect.stringContaining('root') })
    expect(seen.outcomes.get('python/namespace-file-idiom')).toMatchObject({ status: 'unknown' })
  })

  it('a wrapper script in between changes nothing', async () => {
    unit('wrapped', UNIT.replace(/ExecStart=.*/, 'ExecStart=/opt/asr/app/start.sh'))
    const seen = await examine('wrapped')
    expect(seen.facts['python-interpreter']).toMatchObject({ value: { executable: '/opt/asr/venv/bin/python', scriptFolder: '/opt/asr/app', as: { uid: 1500 } } })
    expect(seen.outcomes.get('python/namespace-file-idiom')).toMatchObject({ status: 'found' })
  })

  it('a unit that does not run is asked with the environment it would have; where its sandbox would change the view, it is unknown', async () => {
    unit('idle', UNIT, false)
    expect(view(await examine('idle')).nvidia.roots).toHaveLength(2)
    unit('idle-hidden', `${UNIT}ProtectHome=yes\n`, false)
    expect((await examine('idle-hidden')).facts['python']).toMatchObject({ error: 'CannotSee', because: expect.stringContaining('ProtectHome=yes would change what its Python sees of /home/asr/') })
    unit('idle-shell', UNIT.replace(/ExecStart=.*/, 'ExecStart=/opt/asr/app/start.sh'), false)
    expect((await examine('idle-shell')).facts['python']).toMatchObject({ error: 'CannotSee', because: expect.stringContaining('known only once it runs') })
    unit('idle-native', UNIT.replace(/ExecStart=.*/, 'ExecStart=/usr/bin/sleep 1'), false)
    expect((await examine('idle-native')).facts['python']).toEqual({ value: null })
  })

  it('wheels out of the loader’s reach: found in the running service, and gone with the drop-in of the fix', async () => {
    box.script(`
      install -d /opt/ort/onnxruntime
      cp -r /srv/site/. /opt/ort
      mount --bind ${join(unpacked('onnxruntime-gpu==1.26.0', 'capi/libonnxruntime_providers_'), 'onnxruntime')} /opt/ort/onnxruntime
    `)
    unit('ort', `${UNIT.replace('server.py', 'server.py --provider=cuda')}Environment=PYTHONPATH=/opt/ort PYTHONNOUSERSITE=1 LD_LIBRARY_PATH=/opt/other\n`)
    const judge = async (): Promise<Seen> => (await examineInBox(box, [{ target: { kind: 'unit', name: 'ort.service', scope: 'system' }, checks: ['python/cuda-wheels-unreachable'] }], MODULES))[0]!
    const outcome = (await judge()).outcomes.get('python/cuda-wheels-unreachable')!
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: 'libcudart.so.12, which /opt/ort/onnxruntime/capi/libonnxruntime_providers_cuda.so needs, is installed in /opt/ort/nvidia/cuda_runtime/lib, where the loader of this service does not look.' }] })
    const edit = outcome.status === 'found' ? outcome.findings[0]!.fixes[0]!.edits[0]! : null
    expect(edit).toEqual({ kind: 'unit-drop-in', unit: 'ort.service', scope: 'system', set: [{ section: 'Service', key: 'Environment', value: 'LD_LIBRARY_PATH=/opt/other:/opt/ort/nvidia/cuda_runtime/lib' }] })
    if (edit?.kind !== 'unit-drop-in') return
    box.script(`install -d /etc/systemd/system/ort.service.d\nprintf '[Service]\\n${edit.set[0]!.key}=%s\\n' '${edit.set[0]!.value}' >/etc/systemd/system/ort.service.d/path.conf\nsystemctl daemon-reload\nsystemctl restart ort\nsleep 0.2`)
    expect((await judge()).outcomes.get('python/cuda-wheels-unreachable')).toEqual({ status: 'passed' })
  })

  it('nothing of the questions is left running or written', () => {
    expect(box.run('pgrep', '-fc', 'python.* -B -').stdout.trim()).toBe('0')
    expect(box.script('find /opt/asr/app /home/asr -newer /etc/systemd/system/idle-native.service -name "*.pyc"')).toBe('')
  })
})
