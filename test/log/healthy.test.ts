import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { assess } from '../../src/assess.ts'
import { allChecks } from '../../src/load.ts'
import { hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'

const MODELS = fileURLToPath(new URL('../../fixtures/models/', import.meta.url))
const ORT = fileURLToPath(new URL('../../node_modules/onnxruntime-node/', import.meta.url))

/** Sessions made and run, one after another, with everything that ONNX Runtime has to say of them. */
const PROGRAM = `
const ort = require(process.argv[1])
ort.env.logLevel = 'verbose'
const models = ['encoder', 'joiner', 'decoder', 'encoder.static-qdq-int8.int8', 'joiner.dynamic-u8.int8']
const main = async () => {
  for (let n = 0; n < Number(process.argv[3]); n++) {
    const session = await ort.InferenceSession.create(process.argv[2] + models[n % models.length] + '.onnx', { logSeverityLevel: 0, interOpNumThreads: 1, intraOpNumThreads: 1 })
    const floats = (...dims) => new ort.Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)
    const name = session.inputNames[0]
    await session.run(name === 'x' ? { x: floats(1, 16, 40) } : name === 'enc' ? { enc: floats(4, 8), dec: floats(4, 8) } : { tok: new ort.Tensor('int64', new BigInt64Array(5), [1, 5]) })
    await session.release()
  }
}
main()
`

describeWith('onnxruntime-node, healthy and talkative', existsSync(ORT) ? null : 'needs the optional package onnxruntime-node', () => {
  it('writes 100 000 lines in which nothing is found', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-healthy-'))
    try {
      const path = join(folder, 'healthy.log')
      const file = openSync(path, 'w')
      const ran = spawnSync(process.execPath, ['-e', PROGRAM, ORT, MODELS, '600'], { stdio: ['ignore', file, file], timeout: 300_000 })
      closeSync(file)
      expect(ran.status, readFileSync(path, 'utf8').slice(-500)).toBe(0)
      const report = await assess(hostHere({ kind: 'shell', files: { logs: [path], profiles: [], models: [] } }), { checks: allChecks(), allowed: new Set(), failOn: 'info' })
      const lines = readFileSync(path).reduce((n, byte) => n + (byte === 10 ? 1 : 0), 0)
      expect(lines).toBeGreaterThan(100_000)
      expect([...report.outcomes].filter(([, { status }]) => status !== 'passed' && status !== 'not-applicable')).toEqual([])
      expect(report.summary.exitCode).toBe(0)
      // It runs on the CPU, and says so; nobody asked for anything else.
      expect(report.verdict).toMatchObject({ onGpu: false, tier: 'T4' })
      expect(report.hypotheses).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 300_000)
})
