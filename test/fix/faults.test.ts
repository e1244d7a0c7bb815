import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { staked, write } from '../../src/fix/apply.ts'
import { runs } from '../../src/fix/journal.ts'
import { undo } from '../../src/fix/take-back.ts'
import type { Change } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'
import { bundledWriter, errand, errandLater, type Answer } from './errand.ts'

const root = mkdtempSync(join(tmpdir(), 'asr-doctor-faults-'))
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

  describe('FAT, which has neither hard links nor owners,', () => {
    const missing = ['/usr/bin/fusefat', '/sbin/mkfs.fat'].find((path) => !existsSync(path)) ?? (existsSync('/dev/fuse') ? undefined : '/dev/fuse')
    const mount = `mkdir $P/m; truncate -s 8M $P/image; mkfs.fat $P/image >/dev/null; fusefat -o rw+ $P/image $P/m >/dev/null; trap 'umount $P/m' EXIT; echo old >$P/m/f; ! ln $P/m/f $P/m/g 2>/dev/null`
    beforeEach((context) => {
      if (missing === undefined) return
      if (process.env['ASR_DOCTOR_RIGS'] === 'all') expect.fail(`${missing} is missing: apt-get install fusefat dosfstools`)
      context.skip(`${missing} is missing`)
    })

    it('is written to', () => {
      const seen = story(`${mount}; write; cat $P/m/f $P/m/d/x.conf; ls -A $P/m; undo; cat $P/m/f; ls -A $P/m`, both())
      expect(seen).toEqual(['{"run":"1"}', 'new', 'made', 'd', 'f', expect.stringContaining('"back"'), 'old', 'f'])
    })

    it('holds the journal', () => {
      folder = at('m/state')
      writeFileSync(at('f'), 'old\n')
      const seen = story(`${mount}; write; cat $P/f; ls -A $P/m/state/runs $P/m/state/claims; undo; cat $P/f; ls -A $P/m/state/runs`, [change('f', 'old\n', 'new\n')])
      expect(seen).toEqual(['{"run":"1"}', 'new', `${place}/m/state/claims:`, '', `${place}/m/state/runs:`, '1.json', `{"back":["${at('f')}"]}`, 'old', '1.json'])
    })

    it('is given a whole new file by --output, and a file of somebody there is left as it is', () => {
      const keep = (name: string) => `printf %s '${JSON.stringify({ folder, verb: 'keep', changes: [change(name, null, 'kept\n')] })}' | "$NODE" "$WRITER"`
      const seen = story(`${mount}; ${keep('m/new')}; ${keep('m/f')}; cat $P/m/new $P/m/f; ls -A $P/m`, [])
      expect(seen).toEqual(['{"run":"undefined"}', `{"refused":"--output ${at('m/f')}: that file exists and is left as it is; choose another name."}`, 'kept', 'old', 'f', 'new'])
    })
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
