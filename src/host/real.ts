import { constants } from 'node:fs'
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises'
import { arch, homedir, platform, release, userInfo } from 'node:os'
import { CannotSee } from '../cannot-see.ts'
import type { Caller, Env, Json, Linkage, Platform, Stat, Target, Watch } from '../types.ts'
import { findProgram } from './find-program.ts'
import type { Ask, Question } from './host.ts'
import { rooted } from './rooted.ts'

const MAX_TEXT_BYTES = 8 * 1024 * 1024

/** The machine we run on. `deadline` (ms since epoch) bounds everything that may hang. */
export function realMachine(target: Target, deadline: number): Ask {
  const answers: Record<Question['verb'], (asked: Question) => Promise<Json>> = {
    target: async () => json(target),
    platform: async () => json(platformHere()),
    caller: async () => json(callerHere()),
    environment: async () => json({ ...process.env } as Env),
    read: ({ args: [path] }) => seen(path!, readText),
    list: ({ args: [path] }) => seen(path!, async (real) => (await readdir(real)).sort()),
    stat: ({ args: [path] }) => seen(path!, async (real) => json(statOf(await stat(real)))),
    realpath: async ({ args: [path] }) => attempt(path!, () => rooted(path!)),
    readlink: ({ args: [path] }) => attempt(path!, () => readlink(path!)),
    linkage: ({ args: [path] }) => seen(path!, async (real) => json(await linkageAt(real))),
    digest: async ({ args: [kind, source] }) => (source!.startsWith('journal:') ? (await import('./files.ts')).journalOf(source!, deadline) : seen(source!, async (real) => (await import('./files.ts')).digestOf(kind!, real, source!, deadline))),
    watch: async ({ args: [duration, ...paths] }) => json(await watched(Number(duration), paths)),
    // What runs programs is loaded only where there is a program to run.
    run: async ({ args, options = {} }) => (options.as === undefined && findProgram(args[0]!, process.env) === null ? null : json(await (await import('./run.ts')).runBounded(args, options, deadline))),
    inventory: async ({ args: [topic] }) => (await import('./inventory.ts')).inventory(topic!, deadline),
    transcribe: async ({ args: [url, seconds, main, unit] }) => (await import('./endpoint.ts')).endpointAnswer(url!, Number(seconds), main === '-' ? null : Number(main), unit === '-' ? null : unit!, deadline),
  }
  return (asked) => answers[asked.verb](asked)
}

const json = (value: unknown): Json => value as Json

function platformHere(): Platform {
  const os = platform()
  return { os: os === 'linux' || os === 'darwin' || os === 'win32' ? os : 'other', arch: arch(), release: release() }
}

function callerHere(): Caller {
  const { username } = userInfo()
  const groups = process.getgroups?.() ?? []
  return { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1, groups, user: username, home: homedir() }
}

const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESRCH'])

/** Absent is null, forbidden is CannotSee; nothing else is expected and everything else is thrown on. */
async function attempt<T extends Json>(path: string, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof CannotSee) throw error
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (ABSENT.has(code) || code === 'EINVAL') return null
    if (code === 'EACCES' || code === 'EPERM') {
      throw new CannotSee(`${path} may not be read by this user.`, 'Run the same command as root (sudo).')
    }
    throw new CannotSee(`${path} could not be read (${code || (error as Error).message}).`)
  }
}

const seen = <T extends Json>(path: string, ask: (real: string) => Promise<T>): Promise<T | null> =>
  attempt(path, async () => {
    const real = path.startsWith('/proc/') ? await rooted(path) : path
    return real === null ? null : ask(real)
  })

async function readText(path: string): Promise<string> {
  // O_NONBLOCK: a FIFO in place of a file must not hang the doctor.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const { size } = await file.stat().then((s) => {
      if (s.isDirectory()) throw new CannotSee(`${path} is a directory, not a file.`)
      if (!s.isFile() && !s.isCharacterDevice()) throw new CannotSee(`${path} is not a regular file.`)
      if (s.isCharacterDevice()) throw new CannotSee(`${path} is a device, not a file.`)
      return s
    })
    if (size > MAX_TEXT_BYTES) throw new CannotSee(`${path} is larger than 8 MiB.`)
    const chunks: Buffer[] = []
    let total = 0
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(65536), 0, 65536, null)
      if (bytesRead === 0) break
      total += bytesRead
      if (total > MAX_TEXT_BYTES) throw new CannotSee(`${path} is larger than 8 MiB.`)
      chunks.push(buffer.subarray(0, bytesRead))
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    await file.close()
  }
}

function statOf(s: Awaited<ReturnType<typeof lstat>>): Stat {
  const device = s.isCharacterDevice() || s.isBlockDevice() ? deviceOf(Number(s.rdev)) : null
  const type = s.isFile() ? 'file' : s.isDirectory() ? 'directory' : s.isSymbolicLink() ? 'symlink' : s.isSocket() ? 'socket'
    : s.isFIFO() ? 'fifo' : s.isCharacterDevice() ? 'char' : s.isBlockDevice() ? 'block' : 'other'
  return { type, mode: Number(s.mode) & 0o7777, uid: Number(s.uid), gid: Number(s.gid), sizeBytes: Number(s.size), mtimeMs: Number(s.mtimeMs), device }
}

/** glibc's gnu_dev_major/minor on a 64-bit dev_t. */
function deviceOf(rdev: number): [number, number] {
  const dev = BigInt(rdev)
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)
  return [Number(major), Number(minor)]
}

async function linkageAt(path: string): Promise<Linkage> {
  const { linkageOf } = await import('../elf/linkage.ts')
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const s = await file.stat()
    if (!s.isFile()) throw new CannotSee(`${path} is not a regular file.`)
    const size = s.size
    const bytes = async (offset: number, length: number): Promise<Uint8Array> => {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset)
      return buffer.subarray(0, bytesRead)
    }
    return await linkageOf(bytes, size)
  } finally {
    await file.close()
  }
}

async function watched(durationMs: number, paths: readonly string[]): Promise<Watch> {
  const look = () => Promise.all(paths.map((path) => seen(path, readText)))
  const start = performance.now()
  const before = await look()
  await new Promise((resolve) => setTimeout(resolve, durationMs))
  const after = await look()
  return { elapsedMs: Math.round(performance.now() - start), before, after }
}
