/** What goes on or stays when a benchmark ends, or is ended. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commandEngine } from '../../src/bench/engines/command.ts'
import { read, startOf } from '../../src/bench/proc.ts'
import { watchLoad } from '../../src/bench/sampler.ts'
import { sweepTempFolders, tempFolder } from '../../src/bench/temp-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-left-'))
  vi.stubEnv('TMPDIR', folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const living = (pid: number) => !/^\d+ \(.*\) Z/.test(read(`/proc/${pid}/stat`) ?? '0 () Z')
async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && living(pid); i++) await sleep(50)
  return !living(pid)
}
const pidIn = async (name: string): Promise<number> => {
  const path = join(folder, name)
  for (let i = 0; i < 200 && !/^\d+\n/.test(existsSync(path) ? readFileSync(path, 'utf8') : ''); i++) await sleep(50)
  return Number(readFileSync(path, 'utf8'))
}

describe('a command', () => {
  it('that starts a daemon in a session of its own leaves none behind, and what is not its own stays', async () => {
    const stranger = spawn('sleep', ['300'], { stdio: 'ignore' })
    const instance = await commandEngine(['sh', '-c', `setsid sh -c 'echo $$ >${folder}/pid; exec sleep 312' </dev/null >/dev/null 2>&1 & sleep 0.5; echo heard`], '', new AbortController().signal).open()
    try {
      expect(await instance.run()).toMatchObject({ text: 'heard\n' })
      expect(await gone(await pidIn('pid'))).toBe(true)
      expect(living(stranger.pid!)).toBe(true)
    } finally {
      instance.stop()
      stranger.kill('SIGKILL')
    }
  })

  it('that is interrupted takes along what dropped its environment', async () => {
    const abort = new AbortController()
    const instance = await commandEngine(['sh', '-c', `env -i /usr/bin/setsid /bin/sh -c 'echo $$ >${folder}/pid; exec sleep 312' & wait`], '', abort.signal).open()
    const run = instance.run().catch((error: Error) => error.name)
    const pid = await pidIn('pid')
    abort.abort()
    expect(await run).toBe('Interrupted')
    expect(await gone(pid)).toBe(true)
  })

  it('ends when the benchmark is killed, and so does the daemon it started', async () => {
    const build = (entry: string, out: string) => execFileSync('node_modules/.bin/esbuild', [entry, '--bundle', '--format=esm', '--platform=node', '--external:onnxruntime-node', `--outfile=${join(folder, out)}`, '--log-level=error'])
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    build('src/bench/engines/command.ts', 'command.js')
    build('src/bench/worker.ts', 'bench-worker.js')
    const command = `echo $$ >${folder}/own; setsid sh -c 'echo $$ >${folder}/pid; exec sleep 312' & sleep 300`
    const bench = spawn(process.execPath, ['--input-type=module', '-e', `const { commandEngine } = await import(${JSON.stringify(join(folder, 'command.js'))}); const i = await commandEngine(['sh', '-c', ${JSON.stringify(command)}], '', new AbortController().signal).open(); await i.calibrate(); await i.run()`], { stdio: 'inherit' })
    const [own, pid] = [await pidIn('own'), await pidIn('pid')]
    bench.kill('SIGKILL')
    expect([await gone(own), await gone(pid)]).toEqual([true, true])
  })

  it('does not have the yardstick’s memory as its own', async () => {
    const instance = await commandEngine(['sleep', '1'], '', new AbortController().signal).open()
    try {
      await instance.calibrate()
      const sampler = watchLoad(() => instance.pids() ?? [], () => instance.ours!())!
      await instance.run()
      const { peakMemoryBytes } = sampler.stop()
      // sleep takes a megabyte or two; the yardstick some fifty.
      expect(peakMemoryBytes).toBeGreaterThan(0)
      expect(peakMemoryBytes).toBeLessThan(20e6)
    } finally {
      instance.stop()
    }
  })
})

describe('temporary folders of a benchmark that was killed', () => {
  /** Of a process that is gone, as it would be named. */
  const dead = (change: (name: string) => string = (name) => name): string => {
    const made = tempFolder()
    const name = made.path.split('/').at(-1)!
    made.remove()
    const { pid } = spawnSync('true')
    return change(name.replace(`-${process.pid}-${startOf(process.pid)}-`, `-${pid}-1-`))
  }
  it('are removed by the next one; those of a living process, of another machine or container, and what only looks like one are not', () => {
    const mine = tempFolder()
    const [swept, elsewhere, link, file] = [dead(), dead((name) => name.replace(/bench-[0-9a-f]{12}/, 'bench-0123456789ab')), dead(), dead()]
    mkdirSync(join(folder, swept))
    writeFileSync(join(folder, swept, 'audio.wav'), 'x')
    symlinkSync(folder, join(folder, swept, 'up'))
    mkdirSync(join(folder, elsewhere))
    mkdirSync(join(folder, 'theirs'))
    symlinkSync(join(folder, 'theirs'), join(folder, link))
    writeFileSync(join(folder, file), 'x')
    mkdirSync(join(folder, 'asr-doctor-bench-AbCdEf'))
    sweepTempFolders()
    expect(readdirSync(folder).sort()).toEqual([mine.path.split('/').at(-1)!, elsewhere, link, file, 'theirs', 'asr-doctor-bench-AbCdEf'].sort())
    mine.remove()
  })
  it('of a number that another process has by now', () => {
    const reused = dead((name) => name.replace(/-\d+-1-/, `-${process.pid}-1-`))
    mkdirSync(join(folder, reused))
    sweepTempFolders()
    expect(readdirSync(folder)).toEqual([])
  })
})
