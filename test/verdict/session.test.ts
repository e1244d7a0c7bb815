import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { ep } from '../../checks/ep/index.ts'
import { log } from '../../checks/log/index.ts'
import { modelFiles, plainNames } from '../../src/facts/model-files.ts'
import { profiles } from '../../src/facts/profile.ts'
import { gatherer } from '../../src/gather.ts'
import type { Target } from '../../src/types.ts'
import { boxMissing, bootBox, type Box } from '../support/box.ts'
import { diagnoseInBox } from '../support/box-diagnose.ts'
import { diagnoseHere, hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'

const MODELS = fileURLToPath(new URL('../../fixtures/models/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-session-'))
for (const name of ['encoder.onnx', 'encoder.dynamic-u8.int8.onnx']) copyFileSync(join(MODELS, name), join(folder, name.replace('.dynamic-u8', '')))
afterAll(() => rmSync(folder, { recursive: true }))

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process with these arguments, which waits; `stdin` may be a file that it holds open. */
async function waiting(args: readonly string[], env: NodeJS.ProcessEnv = {}, stdin: number | 'ignore' = 'ignore'): Promise<Target> {
  const child = spawn(process.execPath, ['-e', 'process.stdout.write("ready"); setInterval(() => {}, 1000)', '--', ...args], { stdio: [stdin, 'pipe', 'ignore'], env: { ...process.env, ...env } })
  children.push(child)
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  return { kind: 'pid', pid: child.pid! }
}

const found = async (target: Target) => (await gatherer(hostHere(target))(modelFiles)).map(({ path, how, twin }) => ({ path: path.replace(`${folder}/`, ''), how, twin: twin?.replace(`${folder}/`, '') ?? null }))

describe.skipIf(process.platform !== 'linux')('the models of a running process', () => {
  it('are those on its command line, with the plain twin that lies beside', async () => {
    expect(await found(await waiting([`--encoder=${folder}/encoder.int8.onnx`]))).toEqual([{ path: 'encoder.int8.onnx', how: 'named', twin: 'encoder.onnx' }])
  })

  it('are those it holds open', async () => {
    const file = openSync(join(folder, 'encoder.onnx'), 'r')
    try {
      expect(await found(await waiting([], {}, file))).toEqual([{ path: 'encoder.onnx', how: 'open', twin: null }])
    } finally {
      closeSync(file)
    }
  })

  it('are those that its variables and its configuration name', async () => {
    expect(await found(await waiting([], { ASR_MODEL: `${folder}/encoder.onnx` }))).toEqual([{ path: 'encoder.onnx', how: 'named', twin: null }])
    writeFileSync(join(folder, 'server.yaml'), `port: 9000\nencoder: "${folder}/encoder.int8.onnx"\n`)
    expect(await found(await waiting(['--config', `${folder}/server.yaml`]))).toEqual([{ path: 'encoder.int8.onnx', how: 'named', twin: 'encoder.onnx' }])
  })

  it('in a folder that is named are not yet in use', async () => {
    expect((await found(await waiting(['--model-dir', folder]))).map(({ how }) => how)).toEqual(['folder', 'folder'])
  })

  it('int8 for CUDA is found, and the twin is the cure; for the CPU it is right', async () => {
    const gpu = await diagnoseHere(await waiting(['--provider=cuda', `--encoder=${folder}/encoder.int8.onnx`]), ep)
    const outcome = gpu.outcomes.get('ep/int8-on-cuda')
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', confidence: 'likely' }] })
    expect(outcome?.status === 'found' && outcome.findings[0]!.fixes[0]!.title).toBe('Use encoder.onnx, which lies beside it')
    const cpu = await diagnoseHere(await waiting(['--provider=cpu', `--encoder=${folder}/encoder.int8.onnx`]), ep)
    expect(cpu.outcomes.get('ep/int8-on-cuda')).toEqual({ status: 'not-applicable', because: 'It asks for the CPU.' })
    const fp32 = await diagnoseHere(await waiting(['--provider=cuda', `--encoder=${folder}/encoder.onnx`]), ep)
    expect(fp32.outcomes.get('ep/int8-on-cuda')).toEqual({ status: 'passed' })
    expect(fp32.outcomes.get('ep/unsupported-ops')).toEqual({ status: 'passed' })
  })

  it('of a process that is no speech engine are not missed', async () => {
    const { outcomes } = await diagnoseHere(await waiting([]), [...ep, ...log])
    for (const [id, { status }] of outcomes) expect(status, id).toBe('not-applicable')
  })
})

describe.skipIf(process.platform !== 'linux')('the profiles of a running process', () => {
  const place = mkdtempSync(join(tmpdir(), 'asr-doctor-profiles-'))
  afterAll(() => rmSync(place, { recursive: true }))
  it('are those that it wrote itself; what lay there before says nothing of it, unless it is named', async () => {
    const old = join(place, 'onnxruntime_profile__2020-01-01_00-00-00.json')
    copyFileSync(new URL('../../fixtures/profiles/cpu-1.23.2.json', import.meta.url), old)
    utimesSync(old, new Date('2020-01-01'), new Date('2020-01-01'))
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("ready"); setInterval(() => {}, 1000)'], { stdio: ['ignore', 'pipe', 'ignore'], cwd: place })
    children.push(child)
    await new Promise((resolve) => child.stdout!.once('data', resolve))
    const target = { kind: 'pid', pid: child.pid! } as const
    const found = async (more: Partial<Target> = {}) => (await gatherer(hostHere({ ...target, ...more } as Target))(profiles)).map(({ path, reading }) => `${path.split('/').at(-1)} ${reading.known ? reading.value.runs : '-'}`)
    expect(await found()).toEqual([])
    expect(await found({ files: { logs: [], models: [], profiles: [old] } })).toEqual(['onnxruntime_profile__2020-01-01_00-00-00.json 5'])
    copyFileSync(old, join(place, 'onnxruntime_profile__2026-11-30_00-00-00.json'))
    expect(await found()).toEqual(['onnxruntime_profile__2026-11-30_00-00-00.json 5'])
  })
})

describe('names of models without quantisation', () => {
  it('take the mark out and keep the rest', () => {
    expect(plainNames('encoder.int8.onnx')).toContain('encoder.onnx')
    expect(plainNames('encoder-epoch-99-avg-1.int8.onnx')).toContain('encoder-epoch-99-avg-1.onnx')
    expect(plainNames('model_quantized.onnx')).toContain('model.onnx')
    expect(plainNames('model-int8.fp16.onnx')).toContain('model.fp16.onnx')
    for (const name of ['encoder.onnx', 'quantum.onnx', 'int8.txt', 'interpoint8.onnx']) expect(plainNames(name)).toEqual([])
  })
})

describeWith('the journal of a service', boxMissing() ?? (execFileSync('sh', ['-c', 'command -v journalctl || true']).length === 0 ? 'needs journalctl' : null), () => {
  it('is read since the service was started, and not before', async () => {
    const box: Box = bootBox('journal')
    try {
      box.script(`mkdir -p /run/log/journal; systemctl start systemd-journald.socket systemd-journald.service
cat >/etc/systemd/system/asr.service <<'END_OF_UNIT'
[Service]
Environment=ASR_DEVICE=cuda
ExecStart=/bin/sh -c 'cat /run/lines >&2; exec sleep infinity'
END_OF_UNIT
echo "$(cat <<'END_OF_LINES'
2025-11-11 10:00:00.0 [E:onnxruntime:Default, provider_bridge_ort.cc:1992 TryGetProviderInfo_CUDA] Failed to load library libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory
END_OF_LINES
)" >/run/lines; systemctl daemon-reload; systemctl start asr; sleep 1; journalctl --sync || true`)
      const modules = ['checks/ep/index.ts', 'checks/log/index.ts']
      const broken = await diagnoseInBox(box, { kind: 'unit', name: 'asr.service', scope: 'system' }, modules)
      const outcome = broken.outcomes.get('ep/fell-back-to-cpu')
      expect(outcome).toMatchObject({ status: 'found' })
      expect(outcome?.status === 'found' && outcome.findings[0]!.cause).toBe('ONNX Runtime could not load its CUDA provider because libcublasLt.so.12 was not found, so nothing runs on the GPU through it.')
      // Started, killed and started again within one second, which is all that systemd's times tell apart.
      box.script(`while [ "$(date +%1N)" != 0 ]; do sleep 0.02; done
systemctl restart asr; sleep 0.2; systemctl kill --signal=KILL asr; sleep 0.1; echo all well >/run/lines; systemctl reset-failed asr; systemctl start asr; sleep 1; journalctl --sync || true`)
      const mended = await diagnoseInBox(box, { kind: 'unit', name: 'asr.service', scope: 'system' }, modules)
      for (const check of ['ep/fell-back-to-cpu', 'log/process-died'] as const) expect(mended.outcomes.get(check), check).toEqual({ status: 'passed' })
    } finally {
      box.stop()
    }
  })
})
