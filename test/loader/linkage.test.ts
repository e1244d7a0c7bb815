/** The ELF reader beside readelf, and against files made to harm. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { linkageOf } from '../../src/elf/linkage.ts'
import type { Linkage } from '../../src/types.ts'
import { describeWith } from '../support/rig.ts'

const reading = (data: Uint8Array) => {
  const asked: number[] = []
  return { asked, linkage: linkageOf(async (offset, length) => { asked.push(length); return data.subarray(offset, offset + length) }, data.length) }
}

/** Real files of this machine: libraries, programs, and other processors' where their compilers are installed. */
const samples = ['/usr/lib/x86_64-linux-gnu', '/usr/aarch64-linux-gnu/lib', '/usr/bin', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib']
  .flatMap((folder) => { try { return readdirSync(folder).map((name) => join(folder, name)) } catch { return [] } })
  .filter((path) => /\.so(\.\d+)*$|\/(bash|node|env|ls|getent)$/.test(path))
  .filter((path) => { try { const s = statSync(path); return s.isFile() && s.size < 8 << 20 } catch { return false } })
  .filter((_, at) => at % 7 === 0).slice(0, 60)

describeWith('readelf', spawnSync('readelf', ['--version']).status === 0 ? null : 'apt-get install binutils', () => {
  it('says of real files what readelf says', async () => {
    expect(samples.length).toBeGreaterThan(10)
    for (const path of samples) {
      const ours = await reading(readFileSync(path)).linkage
      if (readFileSync(path).subarray(0, 4).toString('latin1') !== '\x7fELF') {
        expect(ours.format, path).toBe('broken')
        continue
      }
      const text = execFileSync('readelf', ['-W', '-d', '-l', '-V', path], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'ignore'] })
      const tag = (name: string) => [...text.matchAll(new RegExp(`\\(${name}\\)\\s+.*?\\[(.*)\\]`, 'g'))].map((match) => match[1]!)
      if (ours.format !== 'elf') throw new Error(`${path}: ${ours.problem}`)
      expect(ours.needed, path).toEqual(tag('NEEDED'))
      expect(ours.soname, path).toBe(tag('SONAME')[0] ?? null)
      expect(ours.rpath, path).toBe(tag('RPATH')[0] ?? null)
      expect(ours.runpath, path).toBe(tag('RUNPATH')[0] ?? null)
      expect(ours.interpreter, path).toBe(/Requesting program interpreter: (.*)\]/.exec(text)?.[1] ?? null)
      const [, needs = ''] = text.split(/^Version needs section.*$/m)
      const wanted = [...needs.matchAll(/Name: (\S+)\s+Flags: (\S.*?)\s+Version: /g)].filter(([, , flags]) => !flags!.includes('WEAK')).map(([, name]) => name!)
      expect(ours.versionsNeeded.flatMap(({ versions }) => versions).sort(), path).toEqual(wanted.sort())
      const [, defines = ''] = /^Version definition section.*$([\s\S]*?)(?:^Version needs|$(?![\s\S]))/m.exec(text) ?? []
      const own = [...defines.matchAll(/Flags: (\S+)\s+Index: \d+\s+Cnt: \d+\s+Name: (\S+)/g)].filter(([, flags]) => !flags!.includes('BASE')).map(([, , name]) => name!)
      expect([...ours.versionsDefined].sort(), path).toEqual(own.sort())
    }
  })
})

describe('files that are no libraries', () => {
  const problem = async (text: string | Uint8Array) => {
    const linkage = await reading(typeof text === 'string' ? new TextEncoder().encode(text) : text).linkage
    return linkage.format === 'broken' ? linkage.problem : 'elf'
  }
  it.each<[string, (Linkage & { format: 'broken' })['problem']]>([
    ['', 'empty'],
    ['hello', 'too-short'],
    ['version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n', 'lfs-pointer'],
    ['/* GNU ld script\n   Use the shared library */\nGROUP ( /lib/libc.so.6 )\n', 'linker-script'],
    ['GROUP ( /usr/lib/libcublasLt.so.12 )', 'linker-script'],
    [`#!/bin/sh\n${'echo '.repeat(30)}`, 'not-elf'],
    ['\x7fELF', 'too-short'],
    [`\x7fELF${'\x09'.repeat(80)}`, 'not-elf'],
    ['\x7fELF\x02\x01\x01', 'too-short'],
  ])('%j is %s', async (text, expected) => {
    expect(await problem(text)).toBe(expected)
  })
  it('a copy cut short at any length is never taken for whole', async () => {
    const whole = readFileSync(samples.find((path) => path.includes('.so') && statSync(path).size > 20_000 && readFileSync(path)[0] === 0x7f)!)
    for (let length = 64; length < whole.length * 0.8; length += 997) expect(await problem(whole.subarray(0, length))).toBe('truncated')
  })
})

describe('hostile files', () => {
  it('are read within bounds, without an exception, whatever bytes are changed', async () => {
    const whole = new Uint8Array(readFileSync(samples.find((path) => path.includes('.so') && statSync(path).size < 100_000 && readFileSync(path)[0] === 0x7f)!))
    let seed = 7
    const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % below
    const start = performance.now()
    for (let round = 0; round < 3000; round++) {
      const data = whole.slice(0, round % 5 === 0 ? 64 + random(whole.length - 64) : whole.length)
      // Mostly where the tables are; always a few bytes anywhere.
      for (let i = 0; i < 1 + random(12); i++) data[random(2) ? random(Math.min(1024, data.length)) : random(data.length)] = [0, 0xff, 0x7f, random(256)][random(4)]!
      const { asked, linkage } = reading(data)
      const said = await linkage
      expect(['elf', 'broken']).toContain(said.format)
      expect(Math.max(...asked)).toBeLessThanOrEqual(4 << 20)
      expect(asked.length).toBeLessThanOrEqual(8)
      JSON.stringify(said)
    }
    expect(performance.now() - start).toBeLessThan(30_000)
  })
})
