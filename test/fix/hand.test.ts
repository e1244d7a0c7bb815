import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lchownSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { staked, undo, write } from '../../src/fix/apply.ts'
import { runs } from '../../src/fix/journal.ts'
import type { Change } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'
import { bundledWriter, errand, errandLater, type Answer } from './errand.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-hand-'))
chmodSync(root, 0o755)
const writer = bundledWriter()
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  ;(await writer).drop()
})

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
})

describe('a clock that jumps', () => {
  it.each([1e11, -1e11])('by %d ms neither cuts the wait for another run short nor makes it endless', async (jump) => {
    const { alone } = await import('../../src/fix/lock.ts')
    mkdirSync(join(folder, 'claims'), { recursive: true })
    // A claim of a process that lives: this one's parent.
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    const claim = join(folder, 'claims', `${process.ppid}-${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}-0`)
    writeFileSync(claim, '')
    const real = Date.now
    const began = performance.now()
    setTimeout(() => (Date.now = () => real() + jump), 50)
    try {
      await expect(alone(folder, () => 'never', 600)).rejects.toThrow(/is writing at this moment/)
      expect(performance.now() - began).toBeGreaterThan(550)
      expect(performance.now() - began).toBeLessThan(5000)
      setTimeout(() => unlinkSync(claim), 100)
      await expect(alone(folder, () => 'in', 5000)).resolves.toBe('in')
    } finally {
      Date.now = real
    }
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

const missing = process.platform !== 'linux' || process.geteuid?.() !== 0 ? 'needs root on Linux' : null

describeWith('faults', missing, () => {
  let file = ''
  beforeAll(async () => {
    file = (await writer).file
  })
  /** A shell in a mount namespace of its own, so that every mount ends with it. */
  const inside = (setup: string, changes: readonly Change[], own: readonly string[] = []): Answer =>
    errand(file, { folder, verb: 'write', changes }, ['unshare', '--mount', '--propagation', 'private', 'bash', '-euc', `${setup}\nexec "$@"`, 'bash', ...own])

  it.each([
    ['a read-only file system', 'mkdir -p $P/m; mount -t tmpfs t $P/m; echo -n old >$P/m/f; mount -o remount,ro $P/m', 'm/f', 'old', /read-only file system/],
    ['a full disk', 'mkdir -p $P/m; mount -t tmpfs -o size=16k t $P/m; echo -n old >$P/m/f', 'm/f', 'old', /disk is full/],
    ['a disk without inodes', 'mkdir -p $P/m; mount -t tmpfs -o nr_inodes=2 t $P/m; echo -n old >$P/m/f', 'm/f', 'old', /disk is full/],
    ['a file that is a mount point', 'echo -n old >$P/src; touch $P/f; mount --bind $P/src $P/f', 'f', 'old', /mount point itself/],
  ])('says so of %s, and leaves the file whole', (_, setup, name, before, reason) => {
    const answer = inside(`P=${place}\n${setup}`, [change(name, before, 'n'.repeat(200_000))])
    expect(answer.refused).toMatch(reason)
    expect(open()).toEqual([])
  })

  it('says so of a full disk under the journal, before any file is touched', () => {
    writeFileSync(at('f'), 'old')
    const answer = inside(`mkdir -p ${folder}; mount -t tmpfs -o size=16k t ${folder}`, [change('f', 'old', 'n'.repeat(200_000))])
    expect(answer.refused).toMatch(/disk is full/)
    expect(readFileSync(at('f'), 'utf8')).toBe('old')
  })

  it('leaves no litter on a full disk', () => {
    const setup = `P=${place}; mkdir -p $P/m; mount -t tmpfs -o size=16k t $P/m; echo -n old >$P/m/f`
    const ran = spawnSync('unshare', ['--mount', '--propagation', 'private', 'bash', '-euc', `${setup}\n"$@"\nls -A $P/m; cat $P/m/f`, 'bash', process.execPath, file], { encoding: 'utf8', input: JSON.stringify({ folder, verb: 'write', changes: [change('m/f', 'old', 'n'.repeat(200_000))] }) })
    expect(ran.stdout.trim().split('\n').slice(1)).toEqual(['f', 'old'])
  })

  it('says so of an immutable file, even to root', (context) => {
    writeFileSync(at('f'), 'old')
    if (spawnSync('chattr', ['+i', at('f')]).status !== 0) return context.skip('this file system knows no immutable files')
    try {
      expect(errand(file, { folder, verb: 'write', changes: [change('f', 'old', 'new')] }).refused).toMatch(/immutable/)
      expect(readFileSync(at('f'), 'utf8')).toBe('old')
    } finally {
      execFileSync('chattr', ['-i', at('f')])
    }
  })

  it('says so of an immutable folder', (context) => {
    mkdirSync(at('d'))
    if (spawnSync('chattr', ['+i', at('d')]).status !== 0) return context.skip('this file system knows no immutable files')
    try {
      expect(errand(file, { folder, verb: 'write', changes: [change('d/f', null, 'new')] }).refused).toMatch(/immutable/)
    } finally {
      execFileSync('chattr', ['-i', at('d')])
    }
  })

  it('tells a user to ask root, and root that a user’s folder is closed to that user', () => {
    writeFileSync(at('f'), 'old')
    chmodSync(place, 0o755)
    const state = join(place, 'theirs')
    mkdirSync(state)
    chownSync(state, 65534, 65534)
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    expect(errand(file, { folder: state, verb: 'write', changes: [change('f', 'old', 'new')] }, nobody).refused).toMatch(/run the same command as root/)
    mkdirSync(at('closed'))
    chownSync(at('closed'), 65534, 65534)
    chmodSync(at('closed'), 0o555)
    expect(errand(file, { folder, verb: 'write', changes: [change('closed/f', null, 'new')] }).refused).toMatch(/user whose folder it is may not/)
  })

  it('writes in the name of the owner of a folder, and as that owner can', async () => {
    mkdirSync(at('home'))
    chownSync(at('home'), 65534, 65534)
    writeFileSync(at('home/.bashrc'), 'old\n', { mode: 0o600 })
    chownSync(at('home/.bashrc'), 65534, 65534)
    await put([change('home/.config/systemd/user/asr.service.d/50-asr-doctor.conf', null, 'x\n'), change('home/.bashrc', 'old\n', 'new\n')])
    expect(readFileSync(at('home/.bashrc'), 'utf8')).toBe('new\n')
    expect(lstatSync(at('home/.bashrc'))).toMatchObject({ uid: 65534, gid: 65534, mode: 0o100600 })
    for (const path of ['home/.config', 'home/.config/systemd/user/asr.service.d/50-asr-doctor.conf']) expect(lstatSync(at(path)).uid, path).toBe(65534)
    expect(process.geteuid!()).toBe(0)
    await undo(folder, open())
    expect(readdirSync(at('home'))).toEqual(['.bashrc'])
  })

  it('does not write, as root, where a user’s links lead', async () => {
    for (const name of ['home', 'home/real', 'home/sub']) {
      mkdirSync(at(name))
      chownSync(at(name), 65534, 65534)
    }
    mkdirSync(at('etc'), { mode: 0o755 })
    writeFileSync(at('etc/secret'), 'root:x\n')
    symlinkSync(at('etc'), at('home/.config'))
    lchownSync(at('home/.config'), 65534, 65534)
    symlinkSync(at('etc/secret'), at('home/sub/x.conf'))
    lchownSync(at('home/sub/x.conf'), 65534, 65534)
    expect(() => staked([change('home/.config/x.conf', null, 'x')])).toThrow(/root does not write there for a user/)
    expect(() => staked([change('home/sub/x.conf', 'root:x\n', 'x')])).toThrow(/root does not write there for a user/)
    // Swapped in between, nothing is written either.
    const users = staked([change('home/real/x.conf', null, 'x')])
    renameSync(at('home/real'), at('home/away'))
    symlinkSync(at('etc'), at('home/real'))
    await expect(write({ folder, target: null, checks: [] }, users)).rejects.toThrow(/leads to/)
    expect(readdirSync(at('etc'))).toEqual(['secret'])
    expect(readFileSync(at('etc/secret'), 'utf8')).toBe('root:x\n')
  })

  /** Writes and takes back in a mount namespace of its own; the words between the steps are the script's to choose. */
  const story = (script: string, changes: readonly Change[]) => {
    const ran = spawnSync('unshare', ['--mount', '--propagation', 'private', 'bash', '--norc', '-euc', `write() { printf %s "$WRITE" | "$NODE" "$WRITER"; }; undo() { printf %s "$UNDO" | "$NODE" "$WRITER"; }\n${script}`], {
      encoding: 'utf8', timeout: 60_000,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', P: place, NODE: process.execPath, WRITER: file, WRITE: JSON.stringify({ folder, verb: 'write', changes }), UNDO: JSON.stringify({ folder, verb: 'undo', changes: [] }) },
    })
    expect(ran.status, ran.stderr + ran.stdout).toBe(0)
    return ran.stdout.trim().split('\n')
  }
  const both = () => [change('m/f', 'old\n', 'new\n'), change('m/d/x.conf', null, 'made\n')]
  const LABEL = 'system_u:object_r:systemd_unit_file_t:s0'
  const tell = 'stat -c "%a %u:%g" $P/m/f; cat $P/m/f; ls -A $P/m'

  it.each([
    ['tmpfs', 'mount -t tmpfs t $P/m'],
    ['ext4', 'truncate -s 16M $P/image; mkfs.ext4 -q $P/image; mount -o loop $P/image $P/m; rmdir $P/m/lost+found'],
    ['a layered root', 'mkdir $P/low $P/up; mount -t tmpfs t $P/up; mkdir $P/up/u $P/up/w; mount -t tmpfs l $P/low; echo old >$P/low/f; chmod 640 $P/low/f; chown 7:8 $P/low/f; setfattr -n security.selinux -v $LABEL $P/low/f; mount -t overlay o -o lowerdir=$P/low,upperdir=$P/up/u,workdir=$P/up/w $P/m'],
  ])('keeps the SELinux label, the owner and the mode of a file on %s, when it is written and when it is taken back', (_, mount) => {
    const seen = story(`LABEL=${LABEL}; mkdir $P/m; ${mount}; [ -e $P/m/f ] || { echo old >$P/m/f; chmod 640 $P/m/f; chown 7:8 $P/m/f; setfattr -n security.selinux -v $LABEL $P/m/f; }
      label() { getfattr --absolute-names --only-values -n security.selinux $P/m/f; echo; }
      write; ${tell}; label; undo; ${tell}; label; umount $P/m`, both())
    expect(seen).toEqual(['{"run":"1"}', '640 7:8', 'new', 'd', 'f', LABEL, expect.stringContaining('"back"'), '640 7:8', 'old', 'f', LABEL])
  })

  it('keeps owner and mode on a file system that knows no extended attributes', () => {
    const seen = story(`mkdir $P/m; mount -t ramfs r $P/m; echo old >$P/m/f; chmod 640 $P/m/f; chown 7:8 $P/m/f; ! setfattr -n security.selinux -v x $P/m/f 2>/dev/null; write; ${tell}; undo; ${tell}`, both())
    expect(seen).toEqual(['{"run":"1"}', '640 7:8', 'new', 'd', 'f', expect.stringContaining('"back"'), '640 7:8', 'old', 'f'])
  })

  it('writes where the folder is a mount of its own, though its parent lies elsewhere', () => {
    const seen = story(`mkdir -p $P/m/d $P/elsewhere; echo old >$P/m/f; mount -t tmpfs t $P/m/d; write; cat $P/m/d/x.conf; undo; ls -A $P/m/d`, both())
    expect(seen).toEqual(['{"run":"1"}', 'made', expect.stringContaining('"back"')])
  })

  it('writes on FAT, which has neither hard links nor owners', (context) => {
    const missing = ['/usr/bin/fusefat', '/sbin/mkfs.fat'].find((path) => !existsSync(path)) ?? (existsSync('/dev/fuse') ? undefined : '/dev/fuse')
    if (missing !== undefined) {
      if (process.env['ASR_DOCTOR_RIGS'] === 'all') expect.fail(`${missing} is missing: apt-get install fusefat dosfstools`)
      return context.skip(`${missing} is missing`)
    }
    const seen = story(`mkdir $P/m; truncate -s 8M $P/image; mkfs.fat $P/image >/dev/null; fusefat -o rw+ $P/image $P/m >/dev/null; trap 'umount $P/m' EXIT
      echo old >$P/m/f; ! ln $P/m/f $P/m/g 2>/dev/null; write; cat $P/m/f $P/m/d/x.conf; ls -A $P/m; undo; cat $P/m/f; ls -A $P/m`, both())
    expect(seen).toEqual(['{"run":"1"}', 'new', 'made', 'd', 'f', expect.stringContaining('"back"'), 'old', 'f'])
  })

  it('lets one of six runs at a time write, and none is lost', async () => {
    writeFileSync(at('f'), '0')
    const all = Array.from({ length: 6 }, (_, at_) => errandLater(file, { folder, verb: 'write', changes: [change('f', '0', String(at_ + 1).repeat(50_000))] }))
    const answers = await Promise.all(all.map((child) => new Promise<Answer>((resolve) => {
      let text = ''
      child.stdout!.on('data', (part: Buffer) => (text += part.toString()))
      child.on('close', () => resolve(JSON.parse(text) as Answer))
    })))
    expect(answers.filter(({ run }) => run !== undefined)).toHaveLength(1)
    expect(answers.filter(({ refused }) => /changed since|writing at this moment/.test(refused ?? ''))).toHaveLength(5)
    expect(new Set(readFileSync(at('f'), 'utf8')).size).toBe(1)
    expect(errand(file, { folder, verb: 'undo', changes: [] }).back).toEqual([at('f')])
    expect(readFileSync(at('f'), 'utf8')).toBe('0')
  })

  it('never writes to a victim through a link that is swapped in and out', async () => {
    writeFileSync(at('victim'), 'victim')
    writeFileSync(at('f'), 'orig')
    const swapper = errandSwapper(at('f'), at('victim'))
    try {
      for (let round = 0; round < 25; round++) errand(file, { folder, verb: 'write', changes: [change('f', 'orig', `new ${round}`)] })
    } finally {
      swapper.kill('SIGKILL')
    }
    expect(readFileSync(at('victim'), 'utf8')).toBe('victim')
  })
})

/** Puts a link to the victim in the file's place and takes it away, as fast as it can. */
function errandSwapper(file: string, victim: string) {
  const [f, v] = [JSON.stringify(file), JSON.stringify(victim)]
  return spawn(process.execPath, ['-e', `const fs=require('fs');for(;;)try{fs.unlinkSync(${f});fs.symlinkSync(${v},${f});fs.unlinkSync(${f});fs.writeFileSync(${f},'orig')}catch{}`], { stdio: 'ignore' })
}
