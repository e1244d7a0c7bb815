import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { makeFolders } from './disk.ts'
import { Refused } from './refused.ts'

/**
 * One run at a time. Each contender leaves a claim under a name that nobody else will ever use and then looks for others:
 * of two, at least one sees the other. A claim of a dead process is swept away, so a killed run locks nobody out.
 */
export async function alone<T>(folder: string, work: () => T, patienceMs = 3000): Promise<T> {
  const claims = join(folder, 'claims')
  makeFolders(claims, 0o700)
  // A wait is as long as it is, whatever happens to the clock meanwhile.
  const until = performance.now() + patienceMs
  for (;;) {
    const own = `${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(4).toString('hex')}`
    writeFileSync(join(claims, own), '', { flag: 'wx', mode: 0o600 })
    try {
      const other = others(claims, own)
      if (other === null) return work()
      if (performance.now() >= until) throw new Refused(`Another asr-doctor (process ${other}) is writing at this moment; nothing was written.`)
    } finally {
      sweep(join(claims, own))
    }
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 120))
  }
}

function others(claims: string, own: string): number | null {
  for (const name of readdirSync(claims)) {
    const [, pid, start] = /^(\d+)-(\d+)-/.exec(name) ?? []
    if (name === own || pid === undefined) continue
    if (alive(Number(pid), start!)) return Number(pid)
    sweep(join(claims, name))
  }
  return null
}

/** The same process and not one that was given its number later. */
function alive(pid: number, start: string): boolean {
  const now = startOf(pid)
  if (now !== null) return start === '0' || String(now) === start
  if (process.platform === 'linux') return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** proc(5): field 22 of /proc/PID/stat; null = no such process, or no such file system. */
function startOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return null
  }
}

function sweep(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // Somebody else did.
  }
}
