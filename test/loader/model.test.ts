/** The model beside the real loader, on made-up trees of directories, RPATHs, RUNPATHs, links and broken files. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { load, startProgram, type Memory } from '../../src/loader/load.ts'
import { finder, type Place } from '../../src/loader/model.ts'
import { loaderSystem } from '../../src/loader/system.ts'
import { hostHere } from '../support/diagnose.ts'
import { describeWith } from '../support/rig.ts'

const PROBE = fileURLToPath(new URL('../rigs/dynlib/probe.c', import.meta.url))
const missing = process.platform !== 'linux' ? 'needs Linux' : process.geteuid?.() !== 0 ? 'needs root (it asks as another user)' : existsSync('/usr/bin/gcc') && existsSync('/usr/bin/setpriv') ? null : 'apt-get install gcc util-linux'
const NOBODY = 65534
const NAMES = ['liba.so.1', 'libb.so.1', 'libc1.so.1', 'libd.so.1', 'libe.so.1']

/** mulberry32: the same trees in every run, so that a failure can be repeated by its number. */
function random(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

for (const libc of ['glibc', 'musl'] as const) describeWith(libc === 'glibc' ? 'gcc' : 'musl', missing ?? (libc === 'musl' && !existsSync('/usr/bin/musl-gcc') ? 'apt-get install musl-tools' : null), () => {
  let top: string
  let stubs: string
  const built = new Map<string, string>()

  beforeAll(() => {
    top = realpathSync(mkdtempSync(join(tmpdir(), 'loader-model-')))
    chmodSync(top, 0o755)
    stubs = join(top, 'stubs')
    mkdirSync(stubs)
    for (const name of NAMES) gcc(['-shared', '-nostdlib', '-xc', '/dev/null', '-o', join(stubs, name), `-Wl,-soname,${name}`])
  })
  afterAll(() => rmSync(top, { recursive: true, force: true }))

  const gcc = (args: string[], compiler = 'gcc') => execFileSync(compiler, args, { stdio: ['ignore', 'ignore', 'inherit'] })

  /** A library or program with these needs and this path; the same one is built only once. */
  function object(kind: 'library' | 'program', name: string, needs: readonly string[], path: { tag: 'rpath' | 'runpath'; text: string } | null, nodeflib: boolean): string {
    const key = JSON.stringify([kind, name, needs, path, nodeflib])
    const known = built.get(key)
    if (known !== undefined) return known
    const file = join(top, `object-${built.size}`)
    const link = ['-Wl,--no-as-needed', `-L${stubs}`, ...needs.map((n) => `-l:${n}`), '-Wl,--allow-shlib-undefined', ...(nodeflib ? ['-Wl,-z,nodefaultlib'] : [])]
    const run = path === null ? [] : [`-Wl,-rpath,${path.text}`, path.tag === 'rpath' ? '-Wl,--disable-new-dtags' : '-Wl,--enable-new-dtags']
    if (kind === 'library') gcc(['-shared', '-nostdlib', '-xc', '/dev/null', '-xnone', '-o', file, `-Wl,-soname,${name}`, ...link, ...run])
    else gcc(['-O1', '-w', PROBE, '-o', file, '-ldl', ...link, ...run], libc === 'musl' ? 'musl-gcc' : 'gcc')
    built.set(key, file)
    return file
  }

  function broken(kind: string, from: string, to: string): void {
    const bytes = readFileSync(from)
    if (kind === 'empty') writeFileSync(to, '')
    else if (kind === 'short') writeFileSync(to, 'version https://git-lfs.github.com/spec/v1\n')
    else if (kind === 'text') writeFileSync(to, 'GROUP ( /usr/lib/liba.so.1 AS_NEEDED ( /usr/lib/libz.so.1 ) )                                     \n')
    else if (kind === 'class') writeFileSync(to, bytes.fill(1, 4, 5))
    else if (kind === 'machine') writeFileSync(to, bytes.fill(183, 18, 19))
    else if (kind === 'order') writeFileSync(to, bytes.fill(2, 5, 6))
    else if (kind === 'dangling') symlinkSync('/nowhere/at/all.so', to)
    else if (kind === 'loop') symlinkSync(basename(to), to)
    else if (kind === 'directory') mkdirSync(to)
    else writeFileSync(to, bytes, { mode: 0o600 })
  }

  async function one(seed: number): Promise<void> {
    const r = random(seed)
    const pick = <T>(list: readonly T[]): T => list[Math.floor(r() * list.length)]!
    const some = <T>(list: readonly T[], chance: number): T[] => list.filter(() => r() < chance)
    const at = join(top, `case-${seed}`)
    const dirs = ['d0', 'd1', 'd2', 'd3'].map((d) => join(at, d))
    mkdirSync(at)
    for (const dir of dirs) mkdirSync(dir)
    if (r() < 0.2) chmodSync(dirs[3]!, 0o700)
    const path = () => {
      if (r() < 0.45) return null
      const text = [pick(['$ORIGIN', '${ORIGIN}/../d1', '$ORIGIN/../d2', dirs[0]!, dirs[1]!, `${dirs[2]}/`, '$ORIGINAL', 'd1']), ...some(['$ORIGIN/../d3', dirs[0]!, '$ORIGIN/../$LIB', ''], 0.35)].join(':')
      return { tag: r() < 0.5 ? 'rpath' : 'runpath', text } as const
    }
    for (const [i, name] of NAMES.entries()) {
      for (const dir of some(dirs, 0.45)) {
        const file = object('library', name, some(NAMES.slice(i + 1), 0.4), path(), r() < 0.05)
        const to = join(dir, name)
        if (r() < 0.2) broken(pick(['empty', 'short', 'text', 'dangling', 'loop', 'directory', 'unreadable', ...(libc === 'glibc' ? ['class', 'machine', 'order'] : [])]), file, to)
        else if (r() < 0.15) {
          copyFileSync(file, join(at, `real-${basename(dir)}-${name}`))
          symlinkSync(`../real-${basename(dir)}-${name}`, to)
        } else copyFileSync(file, to)
        if (r() < 0.08) {
          mkdirSync(join(dir, 'glibc-hwcaps/x86-64-v2'), { recursive: true })
          copyFileSync(file, join(dir, 'glibc-hwcaps/x86-64-v2', name))
        }
      }
    }
    const program = join(at, 'd0/program')
    copyFileSync(object('program', 'program', some(NAMES, 0.3), path(), false), program)
    const separator = pick([':', ';'])
    const search = r() < 0.3 ? undefined : some([dirs[1]!, `${dirs[2]}//`, 'd3', '$ORIGIN/../d1', '"/quoted"', '~/lib', '', dirs[3]!, '$HOME/lib', '/nowhere'], 0.3).join(separator)
    const cwd = pick([at, dirs[1]!])
    const env = { PATH: '/usr/bin:/bin', ...(search === undefined ? {} : { LD_LIBRARY_PATH: search }) }
    const opened = pick([pick(NAMES), join(pick(dirs), pick(NAMES)), null])

    // The model.
    const host = hostHere()
    const linkage = await host.linkage(program)
    if (linkage?.format !== 'elf') throw new Error('the program is not ELF')
    const system = await loaderSystem(host, '', linkage, null)
    const place: Place = { root: '', who: { uid: NOBODY, gid: NOBODY, groups: [] }, env, cwd, secure: false, sameAsCaller: false, program }
    const find = finder(host, system, place)
    const memory: Memory = { objects: [], main: null }
    const started = await startProgram(find, memory, program, [])
    const links = opened === null ? started : [...started, ...(started.some((l) => l.answer.status !== 'found') ? [] : await load(find, memory, opened, memory.main, 'dlopen'))]
    const failure = links.find((link) => link.answer.status !== 'found')

    // The real loader, as the other user.
    const ran = spawnSync('/usr/bin/setpriv', ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', '--', '/usr/bin/env', '-i', ...Object.entries(env).map(([k, v]) => `${k}=${v}`), program, ...(opened === null ? [] : [opened])], { cwd, encoding: 'utf8' })
    const told = { seed, search, cwd, opened, said: `${ran.stdout}${ran.stderr}`.trim(), links: links.map((l) => `${l.neededBy} -> ${l.name}: ${JSON.stringify(l.answer).slice(0, 300)}`) }
    if (failure === undefined) {
      const loaded = ran.stdout.split('\n').flatMap((line) => /^LOADED (.*)$/.exec(line)?.[1] ?? []).filter((p) => !/\/ld-(?:linux|musl)|\/libc\.so$/.test(p) && !p.endsWith('/program'))
      const normal = (p: string) => realpathSync(p.startsWith('/') ? p : join(cwd, p)) + ' as ' + basename(p)
      const ours = memory.objects.slice(1).map((o) => o.path).filter((p) => !/\/ld-(?:linux|musl)/.test(p))
      expect(loaded.map(normal), JSON.stringify(told, null, 1)).toEqual(ours.map(normal))
    } else {
      const answer = failure.answer
      const words = ran.stdout + ran.stderr
      expect(ran.status, JSON.stringify(told, null, 1)).not.toBe(0)
      expect(words, JSON.stringify(told, null, 1)).toContain(libc === 'glibc' && answer.status === 'broken' && !answer.path.startsWith(cwd) ? answer.path : failure.name.split('/').at(-1)!)
      const expected = answer.status === 'missing' ? /cannot open shared object file|wrong ELF class/ : answer.status !== 'broken' ? /never/
        : { empty: /file too short/, 'too-short': /file too short/, 'lfs-pointer': /file too short|invalid ELF header/, 'linker-script': /invalid ELF header|file too short/, 'not-elf': /invalid ELF header/, directory: /cannot read file data/, 'other-byte-order': /data encoding/, truncated: /./, 'other-class': /wrong ELF class/, 'other-machine': /./ }[answer.problem]
      if (libc === 'glibc') expect(words, JSON.stringify(told, null, 1)).toMatch(expected)
      else expect(words, JSON.stringify(told, null, 1)).toMatch(/Error loading shared library/)
    }
    rmSync(at, { recursive: true, force: true })
  }

  test('made-up trees: the same files in the same order, or the same failure', async () => {
    chownSync(top, 0, 0)
    const seeds = process.env['LOADER_SEED'] ? [Number(process.env['LOADER_SEED'])] : Array.from({ length: libc === 'glibc' ? 150 : 40 }, (_, at) => at + 1)
    for (const seed of seeds) await one(seed)
  }, 180_000)
})
