import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { anchorOf, scanner } from '../../src/log/scan.ts'
import { SIGNATURES } from '../../src/log/signatures.ts'
import { HYPOTHESES } from '../../src/verdict/hypotheses.ts'
import { scanned } from './scanned.ts'

const FOLDER = new URL('../../fixtures/logs/', import.meta.url)
const logs = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'))

describe('the table of signatures', () => {
  it('names each once, and every hypothesis it speaks of exists', () => {
    expect(new Set(SIGNATURES.map(({ id }) => id)).size).toBe(SIGNATURES.length)
    const known = new Set(HYPOTHESES.map(({ id }) => id))
    for (const { id, confirms, refutes } of SIGNATURES) for (const name of [...confirms, ...refutes]) expect(known, `${id} speaks of ${name}`).toContain(name)
  })

  it.each(SIGNATURES.map((each) => [each.id, each] as const))('%s has literals long enough to look for, a source and whole sentences', (_, { literals, meaning, source }) => {
    for (const literal of literals) {
      expect(Buffer.byteLength(literal)).toBeGreaterThanOrEqual(8)
      expect(literal).toContain(anchorOf(literal))
      expect(literal).not.toContain('\n')
    }
    expect(meaning).toMatch(/^\S.*\.$/s)
    expect(source).not.toBe('')
  })

  it('says GPU from T4 up only of lines that place or time work', () => {
    for (const { id, shows, tier } of SIGNATURES) if (shows === 'gpu' && tier !== null && tier >= 'T4') expect(['ort-all-on-cuda', 'ort-some-on-cuda', 'ort-fallback-mode']).toContain(id)
    // What is asked for, what lies there and what is allocated proves no work (failure-modes.md 14, 23, 31).
    const tier = (id: string) => SIGNATURES.find((each) => each.id === id)!.tier
    expect([tier('ggml-use-gpu'), tier('ort-arena'), tier('ort-rs-registered')]).toEqual(['T0', 'T3', 'T2'])
  })
})

describe('where each signature comes from', () => {
  const INCIDENTS = new URL('../../fixtures/incidents/', import.meta.url)

  it.each(SIGNATURES.filter(({ published }) => published !== null).map((each) => [each.id, each.published!] as const))('%s is found in the published incident %s', (id, file) => {
    expect(scanned(readFileSync(new URL(file, INCIDENTS))).counts[id]).toBeGreaterThan(0)
  })

  it('is a genuine print, a published one, or the place in its program where it is written', () => {
    expect(SIGNATURES.filter(({ genuine, published, written }) => genuine === null && published === null && written === null).map(({ id }) => id)).toEqual([])
    for (const { id, written } of SIGNATURES) if (written !== null) expect(written, id).toMatch(/^[\w-]+\/[\w.-]+@[0-9a-f]{7} \S+|^\S+ (?:of \S+ )?[\d.]+/)
  })

  it('is genuine for most', () => {
    expect(SIGNATURES.filter(({ genuine }) => genuine !== null).length / SIGNATURES.length).toBeGreaterThan(0.75)
  })
})

describe('what real programs printed', () => {
  it.each(SIGNATURES.filter(({ genuine }) => genuine !== null).map((each) => [each.id, each.genuine!] as const))('%s is found in %s', (id, file) => {
    expect(scanned(readFileSync(new URL(file, FOLDER))).counts[id]).toBeGreaterThan(0)
  })

  it.each(logs)('%s holds a signature that claims it, or is there for its silence', (file) => {
    const { counts } = scanned(readFileSync(new URL(file, FOLDER)))
    expect(Object.keys(counts).length).toBeGreaterThan(0)
  })

  it('names the library that was missing, release after release', () => {
    const missing = ['1.18.1', '1.20.2', '1.22.0', '1.23.2'].map((release) => {
      const reading = scanned(readFileSync(new URL(`onnxruntime-gpu-${release}-no-cuda-libraries.txt`, FOLDER)))
      expect(Object.keys(reading.counts)).toEqual(['ort-provider-unloadable', 'ort-cuda-not-created'])
      return /with error: (\S+):/.exec(reading.hits[0]!.text)?.[1]
    })
    // DT_NEEDED order of the wheels: CUDA 11 up to 1.18, CUDA 12 from 1.19 (ONNX Runtime's release notes).
    expect(missing).toEqual(['libcublasLt.so.11', 'libcublasLt.so.12', 'libcublasLt.so.12', 'libcublasLt.so.12'])
  })
})

describe('scanning', () => {
  const log = Buffer.from(readFileSync(new URL('onnxruntime-gpu-1.23.2-int8-verbose.txt', FOLDER)))

  it.each([1, 7, 64, 1000, 65536])('finds the same in pieces of %i bytes', (size) => {
    const scan = scanner()
    for (let at = 0; at < log.length; at += size) scan.push(log.subarray(at, at + size))
    expect(scan.finish('x')).toEqual(scanned(log, 'x'))
  })

  it('counts lines as wc does, with and without a last newline', () => {
    for (const text of ['', '\n', 'a', 'a\nb', 'a\n\n', 'Decoded 0 tokens', 'x\nDecoded 0 tokens\ny']) {
      const { lines } = scanned(Buffer.from(text))
      expect(lines, JSON.stringify(text)).toBe(text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0))
    }
    expect(scanned(Buffer.from('x\ny\nDecoded 0 tokens\n')).hits[0]!.line).toBe(3)
  })

  it('takes colour codes out, keeps little of long lines, and reads what is no text', () => {
    const hostile = Buffer.concat([Buffer.alloc(3_000_000, 65), Buffer.from('\u001b[31mDecoded 0 tokens\u001b[m'), Buffer.alloc(3_000_000, 255), Buffer.from('\n'), Buffer.from([0, 1, 2, 255, 254])])
    const { hits, counts } = scanned(hostile)
    expect(counts).toEqual({ 'zero-tokens': 1 })
    expect(hits[0]!.text.length).toBeLessThanOrEqual(400)
    expect(hits[0]!.text).not.toContain('\u001b')
  })

  it('keeps the first lines and the last of a signature, and counts all', () => {
    const { hits, counts } = scanned(Buffer.from(Array.from({ length: 500 }, (_, n) => `Extending BFCArena for Cuda. bin_num:${n}\n`).join('')))
    expect(counts).toEqual({ 'ort-arena': 500 })
    expect(hits.map(({ line }) => line)).toEqual([1, 2, 3, 500])
  })

  it('is silent about ordinary lines that only resemble a signature', () => {
    const ordinary = ['Decoded 12 tokensets', 'job finished, exit code 0', 'exit code 0 after 137 ms', 'worker 139: exit status 0', 'process exited with code 0 (took 134 ms)', 'process exited with code 1', 'Main process exited, code=exited, status=0/SUCCESS', 'Main process exited, code=exited, status=143/n/a', 'Could not find an implementation for plan B', 'Falling back to [en] as language', 'Please choose a GPU: no GPU found in the shop', 'libfoo.so is not found or cannot be loaded']
    const { counts } = scanned(Buffer.from(ordinary.join('\n')))
    expect(Object.keys(counts).filter((id) => id !== 'tokens-out')).toEqual([])
  })
})
