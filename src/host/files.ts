/** Files too large to be read whole: a model or a log is gone through piece by piece, and only a summary leaves here. */
import { constants } from 'node:fs'
import { open, readlink, type FileHandle } from 'node:fs/promises'
import { execa } from 'execa'
import { CannotSee } from '../cannot-see.ts'
import type { Json } from '../types.ts'
import { findProgram } from './find-program.ts'

const CHUNK_BYTES = 1024 * 1024

/** A regular file, opened so that a FIFO in its place does not hang the doctor. */
async function withFile<T>(path: string, use: (file: FileHandle, sizeBytes: number) => Promise<T>): Promise<T> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new CannotSee(`${path} is not a regular file.`)
    return await use(file, stat.size)
  } finally {
    await file.close()
  }
}

const late = (path: string) => new CannotSee(`${path} could not be read to its end in time.`, 'Give it longer with --timeout SECONDS.')

/** A `model`, `log`, `profile` or `gpu-code`, by the name it was asked for. */
export function digestOf(kind: string, path: string, source: string, deadline: number): Promise<Json> {
  return kind === 'model' ? modelAt(path, deadline) : kind === 'log' ? logAt(path, source, deadline) : kind === 'gpu-code' ? gpuCodeAt(path, deadline) : profileAt(path, source, deadline)
}

const bytesOf = (file: FileHandle, path: string, deadline: number) => async (offset: number, length: number): Promise<Uint8Array> => {
  if (Date.now() > deadline) throw late(path)
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

async function modelAt(path: string, deadline: number): Promise<Json> {
  const { modelFileOf } = await import('../onnx/model-file.ts')
  return withFile(path, async (file, size) => (await modelFileOf(bytesOf(file, path, deadline), size)) as unknown as Json)
}

async function gpuCodeAt(path: string, deadline: number): Promise<Json> {
  const { gpuCodeOf } = await import('../elf/gpu-code.ts')
  return withFile(path, async (file, size) => (await gpuCodeOf(bytesOf(file, path, deadline), size)) as unknown as Json)
}

async function logAt(path: string, source: string, deadline: number): Promise<Json> {
  const { scanner } = await import('../log/scan.ts')
  const scan = scanner()
  return withFile(path, async (file) => {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (;;) {
      if (Date.now() > deadline) throw late(path)
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) return scan.finish(source) as unknown as Json
      scan.push(chunk.subarray(0, bytesRead))
    }
  })
}

async function profileAt(path: string, source: string, deadline: number): Promise<Json> {
  const { profileReader } = await import('../profile/read.ts')
  const reader = profileReader()
  return withFile(path, async (file) => {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    for (;;) {
      if (Date.now() > deadline) throw late(path)
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null)
      if (bytesRead === 0) return reader.finish(source) as unknown as Json
      reader.push(chunk.subarray(0, bytesRead))
    }
  })
}

/** A journal is read for this long: what was written at the start comes first, and says most. */
const JOURNAL_MS = 3000

/** `journal:SCOPE:UID:UNIT:SINCE`, with a time as systemd writes it (systemd.time(7)); what journald kept of it. */
export async function journalOf(source: string, deadline: number): Promise<Json> {
  const [, scope, uid, unit, since] = /^journal:(system|user):(\d+):([^:]+):(.*)$/.exec(source) ?? []
  if (unit === undefined) throw new CannotSee(`There is no log called ${source}.`)
  const program = findProgram('journalctl', process.env)
  if (program === null) return null
  const run = since ? await invocationOf(scope === 'system' ? '/run/systemd' : `/run/user/${uid}/systemd`, unit) : null
  const [written, told] = run === null ? [[], []] : [[`_SYSTEMD_INVOCATION_ID=${run}`], [`${scope === 'system' ? '' : 'USER_'}INVOCATION_ID=${run}`]]
  const of = scope === 'system' ? [`_SYSTEMD_UNIT=${unit}`, ...written, '+', `UNIT=${unit}`, '_PID=1', ...told] : [`_SYSTEMD_USER_UNIT=${unit}`, `_UID=${uid}`, ...written, '+', `USER_UNIT=${unit}`, `_UID=${uid}`, ...told]
  const { scanner } = await import('../log/scan.ts')
  const scan = scanner()
  const child = execa(program, ['--no-pager', '--quiet', '--output=short-iso-precise', ...(since ? [`--since=${since}`] : ['--boot']), ...of], {
    stdin: 'ignore', reject: false, buffer: { stdout: false, stderr: true }, maxBuffer: 65536, timeout: Math.max(1, Math.min(JOURNAL_MS, deadline - Date.now())), killSignal: 'SIGKILL', env: { LC_ALL: 'C' },
  })
  child.stdout.on('data', (chunk: Buffer) => scan.push(chunk))
  const result = await child
  if (result.timedOut) return scan.finish(source, true) as unknown as Json
  const words = String(result.stderr ?? '').trim()
  if (/insufficient permissions|Permission denied/i.test(words)) throw new CannotSee(`The journal of ${unit} may not be read by this user.`, 'Run the same command as root (sudo).')
  if (/No journal files were found/i.test(words)) return null
  if (result.exitCode !== 0) throw new CannotSee(`journalctl did not show the journal of ${unit}: ${words.split('\n')[0]?.replace(/\.$/, '') ?? 'no reason given'}.`)
  return scan.finish(source) as unknown as Json
}

/**
 * The run of a unit that is up, as its manager gives it to journald (unit_export_invocation_id, src/core/unit.c). Times of systemd are
 * whole seconds, and what ended in the second of a restart would be taken for the new run's. null = it is down, or not to be seen.
 */
const invocationOf = (folder: string, unit: string): Promise<string | null> =>
  readlink(`${folder}/units/invocation:${unit}`).then((id) => (/^[0-9a-f]{32}$/.test(id) ? id : null), () => null)
