import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as ort from 'onnxruntime-node'
import { openAudio } from '../../src/bench/audio/load.ts'
import type { Sessions } from '../../src/bench/network.ts'
import { recognised } from '../../src/bench/recogniser/recognise.ts'

const MODELS = fileURLToPath(new URL('../../fixtures/models/', import.meta.url))

/** A kept model, laid out as it was exported; its graphs are kept compressed. */
export function layOut(name: string, to: string, rename: (file: string) => string | null = (file) => file): string {
  for (const file of readdirSync(join(MODELS, name))) {
    const bytes = readFileSync(join(MODELS, name, file))
    const target = rename(file.replace(/\.gz$/, ''))
    if (target === null) continue
    mkdirSync(join(to, target, '..'), { recursive: true })
    writeFileSync(join(to, target), file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
  }
  return to
}

export const expectedIn = (folder: string, file = 'expected.json') => JSON.parse(readFileSync(join(folder, file), 'utf8')).windows

/** What we hear in the reference clip, with the runtime in this process. */
export async function hear(path: string): Promise<{ readonly text: string; readonly windows: readonly (readonly number[])[]; readonly files: readonly string[] }> {
  const network = await recognised(path)
  const sessions: Record<string, ort.InferenceSession> = {}
  for (const [part, graph] of Object.entries(network.graphs)) sessions[part] = await ort.InferenceSession.create(graph as string, { intraOpNumThreads: 1 })
  const run = await network.pipeline(ort, sessions as Sessions)(openAudio(null))
  for (const session of Object.values(sessions)) await session.release()
  return { text: run.text!, windows: run.tokens!, files: Object.values(network.graphs) as string[] }
}
