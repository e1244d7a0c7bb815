import { afterAll, beforeAll, expect, it } from 'vitest'
import type { EnvironmentRow, Target } from '../../src/types.ts'
import { bootBox, boxMissing, type Box } from '../support/box.ts'
import { examineInBox, type Modules, type Seen, type Where } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { holder, HOLD, writeFiles } from './files.ts'

const MODULES: Modules = ['checks/service/index.ts', 'src/facts/environment-matrix.ts', 'src/facts/configured-context.ts', 'src/facts/unit-state.ts']
const SHELL = { LD_LIBRARY_PATH: '/opt/cuda/lib:', CUDA_HOME: '/opt/cuda', CUDA_LAUNCH_BLOCKING: '0', HF_TOKEN: 'hf_secret', OMP_NUM_THREADS: '4', PYTHONPATH: '/x' }

describeWith('systemd box', boxMissing(), () => {
  let box: Box
  let pid = 0
  beforeAll(async () => {
    box = bootBox('views')
    box.script('useradd -m -u 1500 -s /bin/bash robert; useradd -m -u 1501 -s /bin/bash lena; loginctl enable-linger robert')
    writeFiles(box, {
      ...holder,
      '/etc/systemd/system/plain.service': `[Service]\nExecStart=${HOLD}\nUser=robert\nEnvironment=HF_HOME=/srv HF_TOKEN=hf_other\n`,
      '/etc/systemd/system/hidden.service': `[Service]\nExecStart=${HOLD} --device cuda\nEnvironment=CUDA_VISIBLE_DEVICES=\n`,
      '/etc/systemd/system/secret.service': `[Service]\nExecStart=${HOLD}\nEnvironmentFile=/etc/env/secret\n`,
      '/etc/env/secret': 'HF_TOKEN=x\nOMP_NUM_THREADS=4\n',
      '/etc/systemd/system/off.service': `[Service]\nExecStart=${HOLD}\nEnvironment=LD_LIBRARY_PATH=/y:$LD_LIBRARY_PATH\nUser=lena\n`,
      '/etc/systemd/system/dynamic.service': `[Service]\nExecStart=${HOLD}\nDynamicUser=yes\n`,
      '/etc/systemd/system/wrapped.service': `[Service]\nExecStart=/bin/sh -c 'OMP_NUM_THREADS=2 exec ${HOLD}'\nEnvironment=OMP_NUM_THREADS=4\n`,
      '/home/robert/.config/systemd/user/own.service': `[Service]\nExecStart=${HOLD}\nEnvironment=HF_HOME=%h/models\nMemoryMaxx=1G\n`,
    })
    box.script(`chmod 755 ${HOLD}; chmod 600 /etc/env/secret; chown -R robert: /home/robert; systemctl daemon-reload; systemctl start plain hidden secret dynamic wrapped
      for i in $(seq 50); do [ -S /run/user/1500/systemd/private ] && break; sleep 0.1; done`)
    box.runAs('robert', 'systemctl', '--user', 'daemon-reload')
    box.runAs('robert', 'systemctl', '--user', 'start', 'own')
    pid = Number(box.runAs('robert', 'systemctl', '--user', 'show', '--property=MainPID', '--value', 'own').stdout)
  })
  afterAll(() => box?.stop())

  const look = async (target: Target, where: Where = {}): Promise<Seen> => {
    const [seen] = await examineInBox(box, [{ target, facts: ['environment-matrix', 'configured-context', 'unit-state'] }], MODULES, { env: SHELL, ...where })
    return seen!
  }
  const unit = (name: string, scope: 'system' | 'user' = 'system'): Target => ({ kind: 'unit', name: `${name}.service`, scope })
  const rows = (seen: Seen): readonly EnvironmentRow[] => (seen.facts['environment-matrix'] as { value: readonly EnvironmentRow[] }).value
  const row = (seen: Seen, name: string) => rows(seen).find((each) => each.name === name)

  it('shows the shell beside the service, and never a token', async () => {
    const seen = await look(unit('plain'))
    expect(row(seen, 'LD_LIBRARY_PATH')).toMatchObject({ shell: '/opt/cuda/lib:', configured: null, running: null, matters: true })
    expect(row(seen, 'HF_HOME')).toMatchObject({ shell: null, configured: '/srv', running: '/srv', matters: true })
    expect(row(seen, 'HOME')).toMatchObject({ shell: '/root', configured: '/home/robert', running: '/home/robert' })
    expect(row(seen, 'CUDA_HOME')).toMatchObject({ shell: '/opt/cuda', configured: null, running: null, matters: false })
    expect(row(seen, 'CUDA_LAUNCH_BLOCKING')).toMatchObject({ matters: false, because: '0 is the default: it changes nothing.' })
    expect(rows(seen).map(({ name }) => name)).not.toContain('HF_TOKEN')
    expect(rows(seen).map(({ name }) => name)).not.toContain('CUDA_CACHE_PATH')
  })

  it('names what can matter, refutes what cannot, and claims no cause', async () => {
    const outcome = (await look(unit('plain'))).outcomes.get('service/environment-differs')!
    if (outcome.status !== 'found') throw new Error(outcome.status)
    const [finding] = outcome.findings
    expect(finding).toMatchObject({ severity: 'info', confidence: 'certain' })
    expect(finding!.cause).toMatch(/^plain\.service runs with another LD_LIBRARY_PATH and OMP_NUM_THREADS than this shell/)
    // No Python runs there, so PYTHONPATH is nothing to it; CUDA_HOME is for builds.
    expect(finding!.cause).not.toMatch(/PYTHONPATH|CUDA_HOME/)
    expect(finding!.refuted!.map(({ hypothesis }) => hypothesis)).toEqual(['The service lacks the CUDA_HOME of the shell.', 'The service lacks the CUDA_LAUNCH_BLOCKING of the shell.'])
    // A difference is no cause, so nothing is offered to be copied.
    expect(finding!.fixes).toEqual([])
  })

  it('names a variable of the service alone only when it hides the GPUs', async () => {
    const seen = await look(unit('hidden'), { env: {} })
    expect(seen.outcomes.get('service/environment-differs')).toMatchObject({ status: 'found', findings: [{ cause: expect.stringMatching(/another CUDA_VISIBLE_DEVICES/) }] })
    expect((await look(unit('plain'), { env: {} })).outcomes.get('service/environment-differs')).toEqual({ status: 'passed' })
  })

  it('compares nothing behind sudo, and nothing with the shell itself', async () => {
    expect((await look(unit('plain'), { env: { ...SHELL, SUDO_COMMAND: '/usr/bin/asr-doctor' } })).outcomes.get('service/environment-differs')).toMatchObject({ status: 'not-applicable', because: expect.stringMatching(/sudo/) })
    const shell = await look({ kind: 'shell' })
    for (const [id, { status }] of shell.outcomes) expect(status, id).toBe('not-applicable')
    expect(row(shell, 'LD_LIBRARY_PATH')).toMatchObject({ shell: '/opt/cuda/lib:', configured: null, running: null })
  })

  it('judges what is configured of a unit that is off', async () => {
    const seen = await look(unit('off'))
    expect(seen.outcomes.get('service/variable-not-expanded')).toMatchObject({ status: 'found', findings: [{ cause: expect.stringMatching(/off\.service:3/) }] })
    expect(seen.outcomes.get('service/restarting')).toEqual({ status: 'passed' })
    expect(seen.outcomes.get('service/reload-pending')).toEqual({ status: 'passed' })
    expect(seen.facts['configured-context']).toMatchObject({ value: { origin: 'configured', uid: 1501, argv: ['/bin/bash', HOLD], exe: expect.stringMatching(/\/bash$/) } })
    expect(row(seen, 'LD_LIBRARY_PATH')).toMatchObject({ configured: '/y:$LD_LIBRARY_PATH', running: null })
  })

  it('says what a user may not see, and why', async () => {
    const seen = await look(unit('secret'), { user: 'robert' })
    for (const id of ['service/environment-file-missing', 'service/environment-differs', 'service/reload-pending', 'service/home-hidden'] as const) {
      expect(seen.outcomes.get(id), id).toMatchObject({ status: 'unknown', because: expect.stringMatching(/may not be read by this user/), how: expect.stringMatching(/root/) })
    }
    expect(seen.outcomes.get('service/unit-directive-unknown')).toEqual({ status: 'passed' })
    expect(seen.facts['environment-matrix']).toMatchObject({ error: 'CannotSee' })
  })

  it('reaches the user manager of a process: its owner and root do, another user does not', async () => {
    for (const user of ['robert', undefined]) {
      const seen = await look({ kind: 'pid', pid }, user === undefined ? {} : { user })
      expect(seen.facts['unit-state']).toMatchObject({ value: { name: 'own.service', scope: 'user', managerUid: 1500, mainPid: pid } })
      expect(seen.outcomes.get('service/unit-directive-unknown')).toMatchObject({ status: 'found', findings: [{ confidence: user === undefined ? expect.anything() : 'certain' }] })
      expect(row(seen, 'HF_HOME')).toMatchObject({ configured: '/home/robert/models', running: '/home/robert/models' })
    }
    const other = await look({ kind: 'pid', pid }, { user: 'lena' })
    expect(other.outcomes.get('service/restarting')).toMatchObject({ status: 'unknown', because: 'The unit belongs to the user manager of uid 1500, which answers only that user and root.' })
  })

  it('has no configured user for a dynamic one, and takes a wrapper for no pending restart', async () => {
    expect((await look(unit('dynamic'))).facts['configured-context']).toMatchObject({ error: 'CannotSee' })
    expect((await look(unit('wrapped'))).outcomes.get('service/reload-pending')).toEqual({ status: 'passed' })
  })
})
