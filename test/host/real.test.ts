import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CannotSee } from '../../src/cannot-see.ts'
import { rooted } from '../../src/host/rooted.ts'
import type { Identity } from '../../src/types.ts'
import { hostHere } from '../support/diagnose.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-host-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)
const root = process.geteuid?.() === 0

describe('this machine', () => {
  it('tells absent from empty', async () => {
    writeFileSync(at('empty'), '')
    expect(await hostHere().read(at('empty'))).toBe('')
    expect(await hostHere().read(at('absent'))).toBeNull()
    expect(await hostHere().read(join(at('empty'), 'below-a-file'))).toBeNull()
    expect(await hostHere().list(at('absent'))).toBeNull()
  })

  it('does not hang on a FIFO, and reads no folder and no device', async () => {
    execFileSync('mkfifo', [at('fifo')])
    await expect(hostHere().read(at('fifo'))).rejects.toThrow(CannotSee)
    await expect(hostHere().read(folder)).rejects.toThrow('is a directory')
    await expect(hostHere().read('/dev/zero')).rejects.toThrow('is a device')
    await expect(hostHere().linkage(at('fifo'))).rejects.toThrow(CannotSee)
  })

  it('refuses what is too large before reading it', async () => {
    writeFileSync(at('sparse'), '')
    truncateSync(at('sparse'), 20 * 2 ** 30)
    await expect(hostHere().read(at('sparse'))).rejects.toThrow('larger than 8 MiB')
  })

  it('follows links, and calls a loop absent', async () => {
    symlinkSync(at('loop-b'), at('loop-a'))
    symlinkSync(at('loop-a'), at('loop-b'))
    symlinkSync('empty', at('link'))
    expect(await hostHere().read(at('loop-a'))).toBeNull()
    expect(await hostHere().realpath(at('link'))).toBe(await rooted(at('empty')))
    expect(await hostHere().readlink(at('link'))).toBe('empty')
  })

  it('stays inside the root of another process, absolute links and all', async () => {
    mkdirSync(at('jail/etc'), { recursive: true })
    writeFileSync(at('jail/etc/inside'), 'inside')
    symlinkSync('/etc/inside', at('jail/link'))
    symlinkSync('../../../../../../etc/inside', at('jail/climb'))
    if (!root) return
    // A process whose root is the jail: the sleeping one is bound there by the test's own chroot.
    for (const dir of ['usr', 'lib', 'lib64', 'bin']) mkdirSync(at(`jail/${dir}`), { recursive: true })
    const child = spawn('unshare', ['--mount', 'sh', '-c', `for d in usr lib lib64 bin; do mount --bind /$d ${at('jail')}/$d; done; exec chroot ${at('jail')} sleep 60`])
    try {
      const pid = child.pid!
      for (let i = 0; i < 100 && (await rooted(`/proc/${pid}/root/etc/inside`).catch(() => null)) === null; i++) await new Promise((r) => setTimeout(r, 20))
      const host = hostHere()
      expect(await host.read(`/proc/${pid}/root/link`)).toBe('inside')
      expect(await host.read(`/proc/${pid}/root/climb`)).toBe('inside')
      expect(await host.read(`/proc/${pid}/root/etc/passwd`)).toBeNull()
      expect(await host.realpath(`/proc/${pid}/root/link`)).toBe(`/proc/${pid}/root/etc/inside`)
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('says why it may not read, as another user', async () => {
    if (!root) return
    writeFileSync(at('private'), 'x')
    chmodSync(at('private'), 0o600)
    const output = await hostHere().run('cat', [at('private')], { as: nobody })
    expect(output?.stderr).toContain('Permission denied')
  })

  it('never finds a program that is not there', async () => {
    expect(await hostHere().run('no-such-program-anywhere', [])).toBeNull()
  })

  it('gives a program its words as they are, without a shell', async () => {
    const words = ['$(id)', '; rm x', '*', "it's", 'a\nb']
    const output = await hostHere().run('printf', ['%s|', ...words])
    expect(output?.stdout).toBe(words.map((word) => `${word}|`).join(''))
  })

  it('keeps the exit code, the signal and both streams', async () => {
    expect(await hostHere().run('sh', ['-c', 'echo out; echo err >&2; exit 7'])).toEqual({ code: 7, signal: null, stdout: 'out\n', stderr: 'err\n' })
    expect(await hostHere().run('sh', ['-c', 'kill -SEGV $$'])).toMatchObject({ code: null, signal: 'SIGSEGV' })
  })

  it('ends what ignores SIGTERM, and all of its children, when time is up', async () => {
    const mark = `asr-doctor-test-${process.pid}`
    const start = Date.now()
    const asked = hostHere({ kind: 'shell' }, 700).run('bash', ['-c', `trap '' TERM INT HUP; (exec -a ${mark} sleep 300) & exec -a ${mark} sleep 300`])
    await expect(asked).rejects.toThrow(/no answer within 0\.7 s/)
    expect(Date.now() - start).toBeLessThan(5000)
    await new Promise((r) => setTimeout(r, 100))
    expect(execFileSync('sh', ['-c', `pgrep -f '^${mark}' || true`], { encoding: 'utf8' })).toBe('')
  })

  it('stops a program that floods', async () => {
    await expect(hostHere().run('yes', ['x'.repeat(1000)])).rejects.toThrow('more than 16 MiB')
  })

  it('puts a program in the place of another user, with that environment and nothing else', async () => {
    if (!root) return
    const output = await hostHere().run('sh', ['-c', 'id -u; id -G; env | sort'], { as: nobody })
    expect(output?.stdout.split('\n').slice(0, 2)).toEqual(['65534', '65534'])
    expect(output?.stdout).toContain('GREETING=a b"c\n')
    expect(output?.stdout).not.toContain('HOME=/root')
  })

  it('gives text on standard input', async () => {
    expect((await hostHere().run('cat', [], { input: { name: 'greeting', text: 'hello' } }))?.stdout).toBe('hello')
    // A program that never reads it is not our failure.
    expect((await hostHere().run('true', [], { input: { name: 'long', text: 'x'.repeat(1 << 20) } }))?.code).toBe(0)
  })
})

const nobody: Identity = { name: 'service', uid: 65534, gid: 65534, groups: [65534], env: { GREETING: 'a b"c', PATH: '/usr/bin:/bin' }, namespaceOf: null, cwd: '/' }
