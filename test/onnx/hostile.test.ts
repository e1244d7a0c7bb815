import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-hostile-'))
afterAll(() => rmSync(folder, { recursive: true }))
const child = join(folder, 'child.mjs')

/** In a process whose heap ends at 200 MB: what it answers, or the reason that it gives. */
const answer = (kind: 'model' | 'profile', bytes: Uint8Array): { readonly format?: string; readonly problem?: string; readonly detail?: string; readonly nodes?: number; readonly refused?: string } => {
  const path = join(folder, 'file')
  writeFileSync(path, bytes)
  return JSON.parse(execFileSync(process.execPath, ['--max-old-space-size=200', child, kind, path], { encoding: 'utf8', maxBuffer: 64 << 20 }))
}

beforeAll(async () => {
  await build({
    stdin: { contents: "export { modelFileOf } from './src/onnx/model-file.ts'; export { profileReader } from './src/profile/read.ts'", resolveDir: fileURLToPath(new URL('../../', import.meta.url)), loader: 'ts' },
    bundle: true, format: 'esm', platform: 'node', outfile: join(folder, 'readers.mjs'), logLevel: 'error',
  })
  writeFileSync(child, `import { readFileSync } from 'node:fs'
import { modelFileOf, profileReader } from './readers.mjs'
const bytes = readFileSync(process.argv[3])
const read = async () => {
  if (process.argv[2] === 'model') return modelFileOf(async (at, length) => bytes.subarray(at, at + length), bytes.length)
  const reader = profileReader()
  for (let at = 0; at < bytes.length; at += 1 << 20) reader.push(bytes.subarray(at, at + (1 << 20)))
  return reader.finish('profile')
}
const { format, problem, detail, nodes } = await read().catch((error) => ({ format: error.name, detail: error.message }))
console.log(JSON.stringify({ format, problem, detail, nodes }))`)
})

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))])
const field = (number: number, bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes])
const text = (number: number, value: string): Buffer => field(number, Buffer.from(value))
const int = (number: number, value: number): Buffer => Buffer.from([...varint(number * 8), ...varint(value)])
const times = (bytes: Buffer, count: number): Buffer => Buffer.alloc(bytes.length * count, bytes)
const each = (count: number, of: (n: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_, n) => of(n)))
const model = (graph: Buffer, ...more: Buffer[]): Buffer => Buffer.concat([int(1, 8), ...more, field(7, graph)])
const NOTHING = Buffer.alloc(0)

describe('a model that is made to fill the memory', () => {
  it.each([
    ['empty inputs', () => model(times(field(11, NOTHING), 1_500_000)), 'it has more than 200000 inputs, outputs, weights and graphs'],
    ['empty weights', () => model(times(field(5, NOTHING), 1_500_000)), 'it has more than 200000 inputs, outputs, weights and graphs'],
    ['empty graphs in one node', () => model(field(1, times(field(5, field(6, NOTHING)), 1_000_000))), 'it has more than 200000 inputs, outputs, weights and graphs'],
    ['empty functions', () => model(NOTHING, times(field(25, NOTHING), 1_500_000)), 'it has more than 200000 inputs, outputs, weights and graphs'],
    ['empty nodes', () => model(times(field(1, NOTHING), 1_500_000)), 'it has more than 200000 nodes'],
    ['names of 64 KiB', () => model(each(600, (n) => field(1, text(1, `${n}${'n'.repeat(65_000)}`)))), 'its names are longer than 32 MB together'],
    ['names of dimensions of 64 KiB', () => model(each(200, () => field(11, field(2, field(1, field(2, each(16, () => field(1, text(2, 'd'.repeat(10_000)))))))))), null],
    ['an operator of its own in every node', () => model(each(100_000, (n) => field(1, text(4, `Op${n}`)))), 'it has more than 20000 different uses of operators'],
    ['a function of ten calls of itself', () => model(field(1, Buffer.concat([text(4, 'f'), text(7, 'd')])), field(25, Buffer.concat([text(1, 'f'), text(10, 'd'), each(10, () => field(7, Buffer.concat([text(4, 'f'), text(7, 'd')])))]))), 'its functions call one another more often than can be followed'],
  ] as const)('of %s is given up, with the reason', (_, bytes, detail) => {
    expect(answer('model', bytes())).toMatchObject(detail === null ? { format: 'onnx' } : { format: 'broken', problem: 'excessive', detail })
  })

  it('and one of 150 000 nodes that is none of them is read', () => {
    const layer = (n: number) => field(1, Buffer.concat([text(1, `/encoder/layers.${n}/output_0`), text(2, `/encoder/layers.${n + 1}/output_0`), text(4, n % 2 ? 'Relu' : 'Sigmoid')]))
    expect(answer('model', model(each(150_000, layer)))).toMatchObject({ format: 'onnx', nodes: 150_000 })
  })
})

describe('a profile that is made to fill the memory', () => {
  const events = (count: number, of: (n: number) => { name?: string; provider?: string; op?: string }): Buffer => {
    const lines = Array.from({ length: count }, (_, n) => of(n)).map(({ name = '', provider = 'CUDAExecutionProvider', op = 'MatMul' }) => JSON.stringify({ cat: 'Node', name: `${name}_kernel_time`, dur: 1, args: { provider, op_name: op } }))
    return Buffer.from(`[${lines.join(',\n')}\n]`)
  }
  it.each([
    ['providers', () => events(350_000, (n) => ({ provider: `P${n}` }))],
    ['operators', () => events(350_000, (n) => ({ provider: 'CPUExecutionProvider', op: `O${n}` }))],
    ['copies', () => events(350_000, (n) => ({ name: `n${n}`, op: 'MemcpyToHost' }))],
    ['names of 100 kB', () => events(400, (n) => ({ name: `${n}${'n'.repeat(100_000)}` }))],
  ] as const)('of %s is given up, with the reason', (_, bytes) => {
    expect(answer('profile', bytes())).toMatchObject({ format: 'CannotSee', detail: 'The profile names more nodes than any model has.' })
  })
})
