import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPORTS = fileURLToPath(new URL('../../fixtures/nvidia-smi/', import.meta.url))
const SOURCE = fileURLToPath(new URL('../rigs/nvidia-smi/nvidia-smi.c', import.meta.url))

export const compilerMissing = (): string | null => (existsSync('/usr/bin/gcc') ? null : 'gcc is missing: apt-get install gcc libc6-dev')

/** A folder with an nvidia-smi that replays reports. */
export function smiFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-smi-'))
  execFileSync('gcc', ['-O1', '-o', join(folder, 'nvidia-smi'), SOURCE])
  return folder
}

/** Runs `act` with the stub first on PATH and its settings in the environment. */
export async function withSmi<T>(folder: string, settings: Readonly<Record<string, string>>, act: () => Promise<T>): Promise<T> {
  const log = join(folder, `log-${Date.now()}-${Math.round(performance.now() * 1000)}`)
  const before = { ...process.env }
  Object.assign(process.env, { PATH: `${folder}:${before['PATH'] ?? ''}`, SMI_LOG: log }, settings)
  try {
    return await act()
  } finally {
    process.env['PATH'] = before['PATH']
    for (const name of ['SMI_LOG', ...Object.keys(settings)]) delete process.env[name]
    lastLog = log
  }
}

let lastLog = ''
/** The process ids of the stubs that the last act started. */
export const started = (): readonly number[] => (existsSync(lastLog) ? readFileSync(lastLog, 'utf8').trim().split('\n').map(Number) : [])

/** Gone, or a zombie that nobody has waited for yet. */
export function alive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

export function textFile(folder: string, name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
