import { readFileSync, rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ep } from '../../checks/ep/index.ts'
import { diagnose } from '../../src/diagnose.ts'
import type { Probe } from '../../src/facts/probe.ts'
import { session as sessionFact } from '../../src/facts/session.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import type { Target } from '../../src/types.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import type { Box } from '../support/box.ts'
import { examineInBox, type Seen, type Where } from '../support/box-diagnose.ts'
import { describeWith } from '../support/rig.ts'
import { probeBox, probeBoxMissing, startUnit } from './box.ts'
import { folder } from './sites.ts'

const MODULES = ['checks/ep/index.ts', 'src/facts/probe.ts', 'src/facts/session.ts']
const MODELS = new URL('../../fixtures/models/', import.meta.url)
const RECORDED = JSON.parse(readFileSync(new URL('placements.json', MODELS), 'utf8')) as Record<string, Record<string, { nodes: number; cpu: Record<string, number>; copies: number }>>

describeWith('a probe in the place of a real service', probeBoxMissing(), () => {
  let box: Box
  beforeAll(() => {
    box = probeBox()
  }, 300_000)
  afterAll(() => {
    box?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const unit = (name: string, model: string, lines: string): void => startUnit(box, name, model, lines)
  const target = (name: string): Target => ({ kind: 'unit', name: `${name}.service`, scope: 'system', probe: { seconds: 40 } })
  const examine = async (name: string, where: Where = {}): Promise<Seen> => (await examineInBox(box, [{ target: target(name), facts: ['probe', 'session'] }], MODULES, { limitMs: 60_000, ...where }))[0]!
  const probeOf = (seen: Seen): Probe => {
    const fact = seen.facts['probe']!
    if (!('value' in fact)) throw new Error(fact.because)
    return fact.value as Probe
  }
  const judged = (seen: Seen) => {
    const fact = seen.facts['session']!
    const signs = { ...('value' in fact ? fact.value : null), outcomes: seen.outcomes }
    return { verdict: verdictOf(signs), hypotheses: weighed(signs) }
  }

  it('as its user, in its environment and mount namespace: the native reason, where the service itself said nothing', async () => {
    unit('silent', 'joiner.onnx', 'Environment=PYTHONPATH=/opt/asr/site\nPrivateTmp=yes\nProtectHome=yes')
    const seen = await examine('silent')
    const { reading, place, loadedOnly, asked } = probeOf(seen)
    expect({ place, loadedOnly }).toEqual({ place: 'running', loadedOnly: true })
    expect(asked).toBe('run as=service /opt/asr/venv/bin/python -B - /opt/asr/app gpu onnxruntime onnx:/opt/asr/models/joiner.onnx < asr-doctor-probe.py')
    expect(reading.engines).toMatchObject([{ engine: 'onnxruntime', version: '1.23.2', end: 'answered' }])
    const outcome = seen.outcomes.get('ep/fell-back-to-cpu')!
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', confidence: 'likely', cause: 'Tried in its place: ONNX Runtime could not load its CUDA provider because libcublasLt.so.12 was not found, so nothing runs on the GPU through it.' }] })
    expect(seen.outcomes.get('ep/runtime-cpu-only')).not.toMatchObject({ status: 'found' })
    // Here only the checks of `ep` are asked, which do not tell whether the libraries lie anywhere else for its program to reach.
    expect(judged(seen).verdict).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringContaining('Tried in its place (its environment, user and files, but not its cgroup). ONNX Runtime 1.23.2: asked for CUDAExecutionProvider, CPUExecutionProvider, session.get_providers() gives CPUExecutionProvider only') })
    box.script('systemctl stop silent')
  }, 120_000)

  it('what was answered is a case: judged again from the answers alone it gives the same', async () => {
    unit('kept', 'joiner.onnx', 'Environment=PYTHONPATH=/opt/asr/site')
    const seen = await examine('kept')
    expect([...seen.log.keys()].filter((key) => key.includes('asr-doctor-probe.py'))).toHaveLength(1)
    const host = hostOf(replayed(seen.log))
    const use = gatherer(host)
    expect(await diagnose(host, use, ep)).toEqual(seen.outcomes)
    expect(JSON.parse(JSON.stringify(await use(sessionFact)))).toEqual('value' in seen.facts['session']! ? seen.facts['session'].value : null)
    box.script('systemctl stop kept')
  }, 120_000)

  it('its own model on the GPU: placed as ONNX Runtime does, timed by NVML, and said to be a second copy', async () => {
    unit('whole', 'joiner.onnx', 'Environment=PYTHONPATH=/opt/asr/site LD_LIBRARY_PATH=/opt/asr/cuda:/opt/asr/nvml')
    const seen = await examine('whole')
    const { nodes, cpu } = RECORDED['joiner.onnx']!['1.23.2 all']!
    expect(cpu).toEqual({})
    const [small, own] = probeOf(seen).reading.engines[0]!.sessions!
    expect(small).toMatchObject({ model: null, got: ['CUDAExecutionProvider', 'CPUExecutionProvider'] })
    expect(own).toMatchObject({ model: '/opt/asr/models/joiner.onnx', placed: [{ provider: 'CUDAExecutionProvider', nodes }], cpuOps: [], copies: 0, runError: null })
    const { verdict } = judged(seen)
    // The copy was told CUDA first; how the service tells each of its sessions is not seen.
    expect(verdict).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringContaining(`Tried in its place (its environment, user and files, but not its cgroup). ONNX Runtime 1.23.2: the service’s own joiner.onnx was placed with ${nodes} nodes on the GPU and none on the CPU; NVML saw it use up to 83 % of the SMs of stand-in, with 456 MiB of its memory, at up to 1410 MHz`) })
    expect(verdict.because).toMatch(/slowed by its power limit\. So the GPU can be used there; that the service does use it is not shown by this\.$/)
    expect(seen.outcomes.get('ep/probe-failed')).toEqual({ status: 'passed' })
    expect(seen.outcomes.get('ep/fell-back-to-cpu')).toEqual({ status: 'passed' })
    box.script('systemctl stop whole')
  }, 120_000)

  it('its own quantised model: the nodes that stay on the CPU, as recorded of this release', async () => {
    unit('int8', 'encoder.dynamic-u8.int8.onnx', 'Environment=PYTHONPATH=/opt/asr/site LD_LIBRARY_PATH=/opt/asr/cuda')
    const seen = await examine('int8')
    const { nodes, cpu, copies } = RECORDED['encoder.dynamic-u8.int8.onnx']!['1.23.2 all']!
    const own = probeOf(seen).reading.engines[0]!.sessions![1]!
    expect(Object.fromEntries(own.cpuOps.map((each) => [each.op, each.nodes]))).toEqual(cpu)
    expect({ nodes: own.placed.reduce((sum, each) => sum + each.nodes, 0), copies: own.copies }).toEqual({ nodes, copies })
    const { verdict, hypotheses } = judged(seen)
    expect(verdict).toMatchObject({ onGpu: null, tier: 'T2', because: expect.stringContaining('MatMulInteger ×6') })
    expect(hypotheses.find(({ id }) => id === 'int8-placement')).toMatchObject({ state: 'confirmed', evidence: [{ source: probeOf(seen).asked }, {}] })
    box.script('systemctl stop int8')
  }, 120_000)

  it('a service that dies before it can say a word: the signal, and the step', async () => {
    unit('dying', 'joiner.onnx', 'Environment=PYTHONPATH=/opt/asr/old:/opt/asr/numpy LD_LIBRARY_PATH=/opt/asr/crash\nRestart=no')
    expect(box.run('systemctl', 'show', '-P', 'ExecMainStatus', 'dying').stdout.trim()).toBe('11')
    const seen = await examine('dying')
    expect(probeOf(seen)).toMatchObject({ place: 'configured', loadedOnly: false })
    expect(seen.outcomes.get('ep/probe-failed')).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: 'Tried in its place, ONNX Runtime 1.22.0 died of SIGSEGV in a session with CUDAExecutionProvider, CPUExecutionProvider on the built-in network.' }] })
  }, 120_000)

  it('another user than the service’s may not, and is told so; what is no Python cannot be', async () => {
    unit('silent', 'joiner.onnx', 'Environment=PYTHONPATH=/opt/asr/site')
    const seen = await examine('silent', { user: 'other' })
    expect(seen.outcomes.get('ep/probe-failed')).toMatchObject({ status: 'unknown', how: expect.stringContaining('root') })
    box.script(`printf '[Service]\\nExecStart=/usr/bin/sleep 3600\\n' >/etc/systemd/system/native.service; systemctl daemon-reload; systemctl start native`)
    expect((await examine('native')).outcomes.get('ep/probe-failed')).toMatchObject({ status: 'unknown', because: expect.stringContaining('It runs no Python') })
  }, 120_000)

  it('root in a file system of its own is not asked', async () => {
    unit('rooted', 'joiner.onnx', 'User=root\nPrivateTmp=yes\nEnvironment=PYTHONPATH=/opt/asr/site')
    expect((await examine('rooted')).outcomes.get('ep/probe-failed')).toMatchObject({ status: 'unknown', because: expect.stringContaining('with the rights of this machine') })
  }, 120_000)

  it('nothing is left running or written', () => {
    expect(box.run('pgrep', '-fc', 'python.* -B - ').stdout.trim()).toBe('0')
    expect(box.script('find /tmp /var/tmp /opt/asr/app /home/asr -newer /etc/systemd/system/silent.service -type f -user asr')).toBe('')
  })
})
