import { describe, expect, it } from 'vitest'
import fellBackToCpu from '../../checks/ep/fell-back-to-cpu.ts'
import gpuError from '../../checks/log/gpu-error.ts'
import { lastRunOf } from '../../src/log/runs.ts'
import type { Signs } from '../../src/verdict/signs.ts'
import { verdictOf } from '../../src/verdict/verdict.ts'
import { weighed } from '../../src/verdict/weigh.ts'
import { scanned } from '../log/scanned.ts'

/*
 * Lines as systemd 252 and journalctl write them (fixtures/logs/systemd-252-units-that-die.txt), with the pid behind the program's name.
 */
const at = 'May 01 10:00:01 box'
const python = (pid: number, text: string) => `${at} python3[${pid}]: ${text}`
const systemd = (verb: string, what = 'asr.service - ASR.') => `${at} systemd[1]: ${verb} ${what}`
const NOT_CREATED = 'Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 12.*.'
const ON_CUDA = '2026-05-01 10:00:01.1 [V:onnxruntime:, session_state.cc:1263 VerifyEachNodeIsAssignedToAnEp]  All nodes placed on [CUDAExecutionProvider]. Number of nodes: 41'
const RESTART = [systemd('Stopped'), systemd('Started')]

const signs = (...lines: readonly string[]): Signs => ({ logs: [{ asked: 'digest log x', name: 'x', reading: lastRunOf(scanned(Buffer.from(`${lines.join('\n')}\n`))) }], models: [], profiles: [], concerns: true, usesOnnx: true, onnxRuntime: null, asks: null, gpuPresent: null, provider: null, unit: null, outcomes: new Map() })
const logs = [{ asked: 'x', name: 'x', reading: { known: true, value: {} } }]
const fellBack = (of: Signs) => fellBackToCpu.run({ target: { kind: 'shell', files: {} }, logs, session: of } as never)
const confirmed = (of: Signs) => weighed(of).filter(({ state }) => state === 'confirmed').map(({ id }) => id)

describe('a failure before a restart', () => {
  it('is not said of the run after it, which wrote nothing of it', () => {
    for (const lines of [
      [systemd('Started'), python(101, NOT_CREATED), ...RESTART, python(202, 'listening')],
      [systemd('Started'), python(101, NOT_CREATED), ...RESTART],
      ['Started asr.service - ASR.', NOT_CREATED, 'Stopped asr.service - ASR.', 'Started asr.service - ASR.', 'listening'],
      ['Started ASR.', NOT_CREATED, 'Stopped ASR.', 'Started ASR.', 'listening'],
    ]) {
      const of = signs(...lines)
      expect(verdictOf(of), lines.join('\n')).toMatchObject({ onGpu: null, because: expect.stringContaining('An earlier run wrote: “') })
      expect(confirmed(of)).toEqual([])
      expect(fellBack(of)).toMatchObject({ status: 'unknown', because: expect.stringContaining('An earlier run wrote “') })
    }
  })

  it('is over where the run after it has the GPU', () => {
    const of = signs(systemd('Started'), python(101, NOT_CREATED), ...RESTART, python(202, ON_CUDA))
    expect(verdictOf(of)).toMatchObject({ onGpu: true, tier: 'T4' })
    expect(fellBack(of)).toEqual([])
  })

  it('that failed again is one now', () => {
    const of = signs(systemd('Started'), python(101, ON_CUDA), ...RESTART, python(202, NOT_CREATED))
    expect(verdictOf(of)).toMatchObject({ onGpu: false })
    expect(fellBack(of)).toMatchObject([{ severity: 'error', confidence: 'certain' }])
  })

  it('holds where nothing was started after it', () => {
    for (const lines of [
      [systemd('Started'), python(101, NOT_CREATED), python(101, 'listening')],
      [systemd('Started'), python(101, NOT_CREATED), systemd('Stopped')],
      // Type=notify: it is started once it says so itself.
      [systemd('Starting', 'asr.service - ASR...'), python(101, NOT_CREATED), systemd('Started'), python(101, 'listening')],
      // Another service of the same machine.
      [systemd('Started'), python(101, NOT_CREATED), systemd('Started', 'apt-daily.service - Daily apt.'), python(101, 'listening')],
      // A program’s own words.
      [NOT_CREATED, 'Started worker.', 'listening'],
    ]) {
      const of = signs(...lines)
      expect(verdictOf(of), lines.join('\n')).toMatchObject({ onGpu: false })
      expect(fellBack(of)).toMatchObject([{ severity: 'error' }])
    }
  })

  it('an error of the driver is of its run as well', () => {
    const errors = (...lines: readonly string[]) => gpuError.run({ target: { kind: 'shell', files: {} }, logs, session: signs(...lines) } as never)
    const broken = python(101, 'RuntimeError: CUDA failed with error CUDA driver version is insufficient for CUDA runtime version')
    expect(errors(broken, ...RESTART, python(202, 'listening'))).toMatchObject({ status: 'unknown' })
    expect(errors(...RESTART, broken)).toMatchObject([{ severity: 'error' }])
  })
})

describe('success before a restart', () => {
  it('is not said of the run after it', () => {
    expect(verdictOf(signs(systemd('Started'), python(101, ON_CUDA), ...RESTART, python(202, 'listening'))).onGpu).toBeNull()
    expect(verdictOf(signs(systemd('Started'), python(101, ON_CUDA), python(101, 'listening'))).onGpu).toBe(true)
  })
})

describe('another process of the same program, without a word of systemd', () => {
  it('may have taken the place of the first, or work beside it: both are said, and the failure is kept', () => {
    const of = signs(python(101, NOT_CREATED), python(202, ON_CUDA))
    expect(verdictOf(of)).toMatchObject({ onGpu: null, because: expect.stringMatching(/41 nodes on CUDA.*not created/) })
    expect(fellBack(of)).toMatchObject([{ severity: 'warning', confidence: 'possible', cause: expect.stringContaining('Process 101 wrote that') }])
    const silent = signs(python(101, NOT_CREATED), python(202, 'listening'))
    expect(verdictOf(silent)).toMatchObject({ onGpu: null, because: expect.stringContaining('Process 101 wrote that') })
    expect(confirmed(silent)).toEqual([])
    expect(verdictOf(signs(python(101, ON_CUDA), python(202, 'listening'))).onGpu).toBeNull()
  })

  it('that writes in turn with it has not', () => {
    expect(verdictOf(signs(python(101, NOT_CREATED), python(202, 'listening'), python(101, 'transcribing'))).onGpu).toBe(false)
    expect(verdictOf(signs(python(101, NOT_CREATED), python(101, ON_CUDA))).onGpu).toBe(true)
  })
})
