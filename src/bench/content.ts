import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const PIECE = 64 << 10

/**
 * Tells the content of files from any other, without reading them whole: their lengths and the beginning, the middle and the end of
 * each. Two trainings of a model, or two recordings, differ in all three; and a model of gigabytes that was read here would lie in
 * memory before the first cold start. null = they cannot be read.
 */
export function contentOf(paths: readonly string[]): string | null {
  if (paths.length === 0) return null
  try {
    return digest(paths.map(read))
  } catch {
    return null
  }
}

export const bytesContent = (bytes: Uint8Array): string => digest([piecesOf(bytes.length, (at) => bytes.subarray(at, at + PIECE))])

interface Pieces {
  readonly size: number
  readonly pieces: readonly Uint8Array[]
}

const piecesOf = (size: number, piece: (at: number) => Uint8Array): Pieces => ({ size, pieces: [...new Set([0, Math.max(0, Math.floor(size / 2) - (PIECE >> 1)), Math.max(0, size - PIECE)])].map(piece) })

function read(path: string): Pieces {
  // Opening a pipe would wait for whoever writes into it.
  if (!statSync(path).isFile()) throw new Error(`${path} is no file`)
  const file = openSync(path, 'r')
  try {
    return piecesOf(fstatSync(file).size, (at) => {
      const piece = Buffer.alloc(PIECE)
      return piece.subarray(0, readSync(file, piece, 0, PIECE, at))
    })
  } finally {
    closeSync(file)
  }
}

function digest(files: readonly Pieces[]): string {
  const hash = createHash('sha256')
  for (const { size, pieces } of files) for (const piece of [Buffer.from(`${size} `), ...pieces]) hash.update(piece)
  return hash.digest('hex').slice(0, 16)
}

/** Weights by the names of their files; what else lies in a folder of a model changes nothing of its speed. */
const WEIGHTS = /\.(onnx|onnx_data|data|weights|bin|safetensors|pt|pth|nemo)$/

/** The files that a model consists of. `graphs`: those that are run, where that is known; weights may lie beside each. */
export function modelFiles(path: string, graphs?: readonly string[]): readonly string[] {
  try {
    const folder = statSync(path).isDirectory() ? path : dirname(path)
    const weightsIn = (place: string) => readdirSync(place).filter((name) => WEIGHTS.test(name)).sort().map((name) => join(place, name))
    if (graphs === undefined && folder === path) return weightsIn(folder)
    return (graphs ?? [basename(path)]).flatMap((name) => {
      const graph = join(folder, name)
      return [graph, ...weightsIn(dirname(graph)).filter((file) => file.startsWith(graph) && file !== graph)]
    })
  } catch {
    return []
  }
}
