import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { carriedOf, dynamicUserNamed } from '../../src/bench/conditions/carried.ts'
import { explained } from '../../src/bench/conditions/explain.ts'
import { together, type Side } from '../../src/bench/conditions/pair.ts'
import { NOTHING } from '../../src/bench/protocol.ts'
import { ratioOf, ratioWords, tellsApart } from '../../src/bench/conditions/ratio.ts'
import { differing, swapped } from '../../src/bench/conditions/swap.ts'
import { precisionOf, twinOf } from '../../src/bench/conditions/twin.ts'
import type { Load, Provider } from '../../src/bench/types.ts'
import { assignmentsOf } from '../../src/systemd/unit-file.ts'

const carried = (text: string) => {
  const { carried: settings, notCarried } = carriedOf(assignmentsOf(`[Service]\n${text}`, '/etc/systemd/system/asr.service'), { n: 'asr.service', h: '/root', t: '/run', S: '/var/lib', C: '/var/cache', q: null })
  return { settings: settings.map(({ key, value }) => `${key}=${value}`), left: notCarried.map(({ key }) => key) }
}

describe('settings of a service as properties of a transient unit', () => {
  it.each<[string, string, readonly string[], readonly string[]]>([
    ['conditions are kept as they were written', 'User=asr\nCPUQuota=50%\nMemoryMax=1G\nDeviceAllow=/dev/nvidia0 rw\nLimitMEMLOCK=infinity', ['User=asr', 'CPUQuota=50%', 'MemoryMax=1G', 'DeviceAllow=/dev/nvidia0 rw', 'LimitMEMLOCK=infinity'], []],
    ['specifiers are put in, and a doubled per cent sign is one', 'Environment=A=%h/x B=5%%', ['Environment=A=/root/x B=5%'], []],
    ['one whose value is not known is left out and named', 'ReadWritePaths=/x/%q', [], ['ReadWritePaths']],
    ['starting, stopping and logging are no conditions', 'Type=notify\nExecStart=/x\nExecStartPre=/y\nRestart=always\nKillMode=mixed\nWatchdogSec=1\nStandardOutput=null\nCPUAccounting=yes\nX-Mine=1', [], []],
    ['an empty value takes back what stood before', 'DeviceAllow=/dev/a\nDeviceAllow=\nDeviceAllow=/dev/b\nCPUQuota=20%\nCPUQuota=', ['DeviceAllow=/dev/b'], []],
    ['but an empty set of capabilities is a set', 'CapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=', ['CapabilityBoundingSet='], []],
    ['an unknown one is named', 'ImportEnvironment=DISPLAY', [], ['ImportEnvironment']],
    ['folders that end with the unit are not made again: their variable is set', 'CacheDirectory=asr models:m', ['Environment="CACHE_DIRECTORY=/var/cache/asr:/var/cache/models"'], ['CacheDirectory']],
    ['and may be written to where walls stand', 'ProtectSystem=strict\nStateDirectory=asr', ['ProtectSystem=strict', 'Environment="STATE_DIRECTORY=/var/lib/asr"', 'ReadWritePaths="-/var/lib/asr"'], ['StateDirectory']],
    ['what would end Node.js itself is left out', 'MemoryDenyWriteExecute=yes', [], ['MemoryDenyWriteExecute']],
    ['forbidden system calls fail instead of ending it', 'SystemCallFilter=@system-service', ['SystemCallFilter=@system-service', 'SystemCallErrorNumber=EPERM'], ['SystemCallFilter']],
    ['as the service may have wanted itself', 'SystemCallFilter=@system-service\nSystemCallErrorNumber=EACCES', ['SystemCallFilter=@system-service', 'SystemCallErrorNumber=EACCES'], []],
  ])('%s', (_, text, settings, left) => expect(carried(text)).toEqual({ settings, left }))
  it('other sections do not count', () => {
    expect(carriedOf(assignmentsOf('[Unit]\nUser=a\n[Install]\nUser=b', 'x'), {}).carried).toEqual([])
  })
  it('a dynamic user is called like the unit, or it would own nothing of the service’s', () => {
    expect(dynamicUserNamed([{ key: 'DynamicUser', value: 'yes' }], 'asr@2.service')).toContainEqual({ key: 'User', value: 'asr' })
    expect(dynamicUserNamed([{ key: 'DynamicUser', value: 'yes' }, { key: 'User', value: 'me' }], 'asr.service')).toHaveLength(2)
    expect(dynamicUserNamed([{ key: 'DynamicUser', value: 'no' }], 'asr.service')).toHaveLength(1)
  })
})

describe('variables of another place', () => {
  const service = { PATH: '/usr/bin', HOME: '/var/lib/asr', USER: 'asr', INVOCATION_ID: '1', LD_LIBRARY_PATH: '/wrong', ONLY: 'x' }
  const shell = { PATH: '/usr/bin', HOME: '/root', USER: 'root', TERM: 'xterm', LD_LIBRARY_PATH: '/right' }
  it('all but who and where one is', () => expect(swapped(service, shell)).toEqual({ PATH: '/usr/bin', HOME: '/var/lib/asr', USER: 'asr', INVOCATION_ID: '1', LD_LIBRARY_PATH: '/right' }))
  it('which these are', () => expect(differing(service, shell)).toEqual(['LD_LIBRARY_PATH', 'ONLY']))
})

const PROVIDER: Provider = { asked: [], used: 'cpu', tier: 'cpu', because: null, how: null, placement: [] }
const LOAD: Load = { spanMs: 1000, targetCpuMs: 1000, othersCpuMs: 0, stealMs: 0, waitedMs: 0, involuntarySwitches: 0, peakMemoryBytes: 1, throttle: null, cpuPressure: 0 }
const side = (wall: readonly number[], cpu: number | null, change: { load?: Partial<Load>; provider?: Partial<Provider>; hits?: number } = {}): Side => ({
  measured: { ...NOTHING, load: { ...LOAD, ...change.load }, runs: wall.map((wallMs) => ({ run: { wallMs, cpuMs: cpu, phases: [], text: null }, calibration: null })) },
  told: { target: { kind: 'command', name: 'x', runtime: null, threads: null }, workload: 'x', provider: { ...PROVIDER, ...change.provider }, agreement: null },
  audio: { kind: 'prepared', audio: { seconds: 1, form: '' }, silent: false, warnings: [], launches: 1, freshEveryRun: true },
  hello: { kind: 'hello', env: {}, user: 'x' }, memory: { limitHits: change.hits ?? null, killed: null }, refusedSettings: [],
})
const flat = (ms: number) => Array<number>(8).fill(ms)

describe('the ratio', () => {
  it('is of neighbouring runs, so that a machine that slows down for both changes nothing', () => {
    const drift = [100, 100, 200, 400, 800, 800, 400, 200]
    const ratio = ratioOf(side(drift.map((ms) => 2 * ms), 100), side(drift, 100))!
    expect(ratio).toEqual({ median: 2, low: 2, high: 2, pairs: 8 })
    expect(tellsApart(ratio)).toBe(true)
    expect(ratioWords(ratio)).toBe('2.00 times (95 % interval 2.00 to 2.00, 8 pairs of runs)')
  })
  it('an interval around 1 tells nothing apart, and few pairs have none', () => {
    const noisy = ratioOf(side([90, 110, 95, 105, 92, 108, 99, 101], 1), side(flat(100), 1))!
    expect(tellsApart(noisy)).toBe(false)
    expect(tellsApart(ratioOf(side([200, 200], 1), side([100, 100], 1))!)).toBeNull()
    expect(ratioOf(side([], 1), side([100], 1))).toBeNull()
  })
})

describe('what the counters say', () => {
  const shell = side(flat(100), 100)
  it.each<[string, Side, readonly RegExp[]]>([
    ['nothing, where nothing differs', side(flat(100), 100), []],
    ['a quota', side(flat(200), 100, { load: { throttle: { periods: 20, throttled: 19, throttledMs: 900 }, waitedMs: 900 } }), [/^A CPU quota stopped it in 95 % of the scheduling periods in asr\.service: a run took 2\.00 times the CPU time it used, and 1\.00 times in this shell\.$/]],
    ['a library that is not found there', side(flat(900), 900, { provider: { because: 'libcublasLt.so.12 was not found.' } }), [/on cpu, in this shell on cuda: libcublasLt\.so\.12 was not found\.$/, /^A run used 900 ms of CPU time in asr\.service and 100 ms in this shell: the work itself differs/]],
    ['fewer CPUs or a lower weight', side(flat(200), 100, { load: { waitedMs: 900 } }), [/^Its threads waited for a CPU for 90 % of their running time in asr\.service, and 0\.0 % in this shell/]],
    ['memory taken back', side(flat(200), 100, { hits: 12 }), [/^The kernel took memory back 12 times/]],
    ['nothing of CPU time that is not known', side(flat(200), null), []],
  ])('%s', (what, service, expected) => {
    const beside = what.startsWith('a library') ? side(flat(100), 100, { provider: { used: 'cuda', tier: 'gpu' } }) : shell
    expect(explained(service, beside, 'asr.service')).toEqual(expected.map((form) => expect.stringMatching(form)))
  })
  it('what was counted around single runs is put together', () => {
    const throttle = { periods: 5, throttled: 2, throttledMs: 30 }
    expect(together({ ...LOAD, throttle, peakMemoryBytes: 5, cpuPressure: 9 }, { ...LOAD, throttle: null, stealMs: null })).toEqual({ ...LOAD, spanMs: 2000, targetCpuMs: 2000, throttle, peakMemoryBytes: 5, cpuPressure: 9 })
    expect(together(null, LOAD)).toEqual(LOAD)
  })
})

describe('the same model in another precision', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
    for (const [name, files] of [
      ['sherpa', ['encoder.onnx', 'encoder.int8.onnx', 'decoder.onnx', 'joiner.onnx', 'joiner.int8.onnx', 'tokens.txt']],
      ['hub', ['encoder_model.onnx', 'encoder_model_fp16.onnx', 'encoder_model_quantized.onnx', 'config.json']],
      ['alone', ['model.onnx']],
    ] as const) {
      mkdirSync(join(folder, name))
      for (const file of files) writeFileSync(join(folder, name, file), '')
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('a folder of links in which its files have the names of the first', () => {
    const twin = twinOf(join(folder, 'sherpa'))!
    expect(twin.precision).toBe('int8')
    const links = Object.fromEntries(readdirSync(twin.path).map((name) => [name, readlinkSync(join(twin.path, name))]))
    const at = (name: string) => join(folder, 'sherpa', name)
    // The decoder has no other precision, as sherpa-onnx leaves it in float.
    expect(links).toEqual({ 'encoder.onnx': at('encoder.int8.onnx'), 'joiner.onnx': at('joiner.int8.onnx'), 'decoder.onnx': at('decoder.onnx'), 'tokens.txt': at('tokens.txt') })
    twin.remove()
    expect(() => readdirSync(twin.path)).toThrow(/ENOENT/)
  })
  it('half precision comes before integers, and a single file has its neighbour', () => {
    const twin = twinOf(join(folder, 'hub'))!
    expect([twin.precision, readlinkSync(join(twin.path, 'encoder_model.onnx'))]).toEqual(['fp16', join(folder, 'hub', 'encoder_model_fp16.onnx')])
    twin.remove()
    expect(twinOf(join(folder, 'sherpa', 'encoder.int8.onnx'))).toMatchObject({ precision: 'fp32', path: join(folder, 'sherpa', 'encoder.onnx') })
  })
  it('none', () => {
    expect(twinOf(join(folder, 'alone'))).toBeNull()
    expect(twinOf(join(folder, 'sherpa', 'decoder.onnx'))).toBeNull()
  })
  it.each([['encoder.int8.onnx', 'int8'], ['model-quantized.onnx', 'int8'], ['decoder_model_merged_fp16.onnx', 'fp16'], ['int8.onnx', 'fp32'], ['encoder.onnx', 'fp32']] as const)('%s is in %s', (name, precision) => expect(precisionOf(name)).toBe(precision))
})
