import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { staked, write } from '../../src/fix/apply.ts'
import { runs } from '../../src/fix/journal.ts'
import { undo } from '../../src/fix/take-back.ts'
import type { Change } from '../../src/types.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-hand-'))
chmodSync(root, 0o755)
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folder = ''
let place = ''
let n = 0
beforeEach(() => {
  place = join(root, `t${n++}`)
  folder = join(place, 'state')
  mkdirSync(place)
})

const at = (name: string) => join(place, name)
const change = (name: string, before: string | null, after: string | null): Change => ({ target: at(name), before, after })
const put = (changes: readonly Change[]) => write({ folder, target: null, checks: ['a/b'] }, staked(changes))
const open = () => runs(folder).filter(({ state }) => state !== 'undone')
/** Every file below a folder with its bytes, owner and mode. */
function tree(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('state'))
      .sort()
      .map((name) => {
        const stat = lstatSync(join(path, name))
        return [name, `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.isFile() ? readFileSync(join(path, name)).toString('base64') : ''}`]
      }),
  )
}

describe('writing', () => {
  it('makes folders, writes, and undoes to the byte: folders, bytes, owner and mode', async () => {
    writeFileSync(at('old'), 'old\n')
    chmodSync(at('old'), 0o640)
    chownSync(at('old'), 0, 0)
    writeFileSync(at('gone'), Buffer.from('x\r\ny'))
    const before = tree(place)
    const run = await put([change('old', 'old\n', 'new\n'), change('a/b/c.conf', null, 'made\n'), change('a/b/d.conf', null, 'too\n'), change('gone', 'x\r\ny', null)])
    expect(readFileSync(at('old'), 'utf8')).toBe('new\n')
    expect(statSync(at('old')).mode & 0o777).toBe(0o640)
    expect(statSync(at('a/b/c.conf')).mode & 0o777).toBe(0o644)
    expect(existsSync(at('gone'))).toBe(false)
    expect(run).toMatchObject({ runId: '1', state: 'done' })
    expect(await undo(folder, open())).toHaveLength(4)
    expect(tree(place)).toEqual(before)
    expect(open()).toEqual([])
  })

  it('keeps a umask from making an unreadable unit', async () => {
    const mask = process.umask(0o077)
    try {
      await put([change('d/x.conf', null, 'x\n')])
    } finally {
      process.umask(mask)
    }
    expect(statSync(at('d/x.conf')).mode & 0o777).toBe(0o644)
    expect(statSync(at('d')).mode & 0o777).toBe(0o755)
    expect(statSync(join(folder, 'runs', '1.json')).mode & 0o777).toBe(0o600)
  })

  it('keeps access control lists and extended attributes', async (context) => {
    writeFileSync(at('f'), 'old\n')
    if (spawnSync('setfattr', ['-n', 'user.mark', '-v', 'kept', at('f')]).status !== 0) return context.skip('setfattr does not work here')
    const list = spawnSync('setfacl', ['-m', 'u:65534:r', at('f')]).status === 0
    await put([change('f', 'old\n', 'new\n')])
    expect(execFileSync('getfattr', ['--only-values', '-n', 'user.mark', at('f')], { encoding: 'utf8' })).toBe('kept')
    if (list) expect(execFileSync('getfacl', ['-cE', at('f')], { encoding: 'utf8' })).toContain('user:nobody:r--')
  })

  it('follows a link to the file it means, and writes there', async () => {
    mkdirSync(at('dotfiles'))
    writeFileSync(at('dotfiles/bashrc'), 'old\n')
    symlinkSync('dotfiles/bashrc', at('.bashrc'))
    await put([change('.bashrc', 'old\n', 'new\n')])
    expect(lstatSync(at('.bashrc')).isSymbolicLink()).toBe(true)
    expect(readFileSync(at('dotfiles/bashrc'), 'utf8')).toBe('new\n')
    await undo(folder, open())
    expect(readFileSync(at('dotfiles/bashrc'), 'utf8')).toBe('old\n')
  })

  it('counts runs, not clocks', async () => {
    const real = Date.now
    try {
      Date.now = () => real() + 1e11
      await put([change('f', null, '1')])
      Date.now = () => real() - 1e11
      await put([change('f', '1', '2')])
    } finally {
      Date.now = real
    }
    expect(runs(folder).map(({ runId }) => runId)).toEqual(['1', '2'])
    await expect(undo(folder, open().slice(0, 1))).rejects.toThrow(/written again by run 2/)
    await undo(folder, open())
    expect(existsSync(at('f'))).toBe(false)
  })

  it('leaves what is put back with the mode it had', async () => {
    writeFileSync(at('secret'), 'x', { mode: 0o600 })
    await put([change('secret', 'x', null)])
    await undo(folder, open())
    expect(statSync(at('secret')).mode & 0o7777).toBe(0o600)
  })
})

describe('writing is refused, with the reason and nothing changed,', () => {
  const refusal = async (changes: readonly Change[], reason: RegExp) => {
    const before = tree(place)
    await expect((async () => put(changes))()).rejects.toThrow(reason)
    expect(tree(place)).toEqual(before)
    expect(open()).toEqual([])
  }

  it('when the file was changed since it was examined', async () => {
    writeFileSync(at('f'), 'somebody\n')
    await refusal([change('f', 'old\n', 'new\n')], /changed since it was examined/)
  })

  it('when a file stands where none was', async () => {
    writeFileSync(at('f'), '')
    await refusal([change('f', null, 'new\n')], /changed since it was examined/)
  })

  it('when the file is gone', () => refusal([change('f', 'old\n', 'new\n')], /changed since/))

  it('when the file holds bytes that are not UTF-8', async () => {
    const bytes = Buffer.from([0x61, 0xff, 0x0a])
    writeFileSync(at('f'), bytes)
    await refusal([change('f', bytes.toString('utf8'), 'new\n')], /not UTF-8/)
  })

  it('for a folder, a FIFO, a hard link, a dangling link, a circle of links', async () => {
    mkdirSync(at('d'))
    execFileSync('mkfifo', [at('fifo')])
    writeFileSync(at('one'), 'x')
    linkSync(at('one'), at('two'))
    symlinkSync('nowhere', at('dangling'))
    symlinkSync('l2', at('l1'))
    symlinkSync('l1', at('l2'))
    await refusal([change('d', null, 'x')], /no regular file/)
    await refusal([change('fifo', '', 'x')], /no regular file/)
    await refusal([change('one', 'x', 'y')], /hard link/)
    await refusal([change('dangling', null, 'x')], /symbolic link to nowhere/)
    await refusal([change('l1', null, 'x')], /circle/)
  })

  it('when the link has moved meanwhile, or the file was swapped, or its mode changed', async () => {
    writeFileSync(at('a'), 'x')
    writeFileSync(at('b'), 'x')
    symlinkSync('a', at('link'))
    const through = staked([change('link', 'x', 'y')])
    unlinkSync(at('link'))
    symlinkSync('b', at('link'))
    await expect(write({ folder, target: null, checks: [] }, through)).rejects.toThrow(/leads to .*b now and led to .*a/)
    const direct = staked([change('a', 'x', 'y')])
    chmodSync(at('a'), 0o600)
    await expect(write({ folder, target: null, checks: [] }, direct)).rejects.toThrow(/changed since/)
    const swapped = staked([change('b', 'x', 'y')])
    unlinkSync(at('b'))
    symlinkSync('/etc/passwd', at('b'))
    await expect(write({ folder, target: null, checks: [] }, swapped)).rejects.toThrow(/leads to \/etc\/passwd now/)
    expect(readFileSync(at('a'), 'utf8')).toBe('x')
    expect(open()).toEqual([])
  })

  it('and a later target that fails takes the earlier ones back', async () => {
    writeFileSync(at('a'), 'x')
    mkdirSync(at('made'))
    const both = staked([change('a', 'x', 'y'), change('new/f', null, 'z')])
    writeFileSync(at('new'), 'a file where the folder should be')
    await expect(write({ folder, target: null, checks: [] }, both)).rejects.toThrow(/no folder|could not be written|changed since/)
    expect(readFileSync(at('a'), 'utf8')).toBe('x')
    expect(open()).toEqual([])
  })
})

describe('undoing is refused', () => {
  it('when somebody has edited the file since, and then nothing is taken back', async () => {
    writeFileSync(at('a'), '1')
    await put([change('a', '1', '2'), change('b', null, 'b')])
    writeFileSync(at('a'), 'mine')
    await expect(undo(folder, open())).rejects.toThrow(/changed since asr-doctor wrote it/)
    expect(readFileSync(at('a'), 'utf8')).toBe('mine')
    expect(readFileSync(at('b'), 'utf8')).toBe('b')
  })

  it('not when somebody took it back by hand already', async () => {
    await put([change('b', null, 'b')])
    unlinkSync(at('b'))
    expect(await undo(folder, open())).toEqual([])
    expect(open()).toEqual([])
  })

  it('not for a folder that somebody else uses now: it stays', async () => {
    await put([change('d/b', null, 'b')])
    writeFileSync(at('d/theirs'), 'x')
    await undo(folder, open())
    expect(readdirSync(at('d'))).toEqual(['theirs'])
  })
})
