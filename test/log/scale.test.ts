import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { plainOf } from '../../src/log/scan.ts'
import { SIGNATURES } from '../../src/log/signatures.ts'
import { describeWith } from '../support/rig.ts'

const FIXTURES = new URL('../../fixtures/', import.meta.url)
const MEGABYTES = 50

/** Every line that a genuine program printed, every literal, and ordinary lines around them. */
function writeLog(path: string): void {
  const genuine = ['logs', 'incidents'].flatMap((folder) => readdirSync(new URL(folder, FIXTURES)).filter((name) => name.endsWith('.txt')).flatMap((name) => readFileSync(new URL(`${folder}/${name}`, FIXTURES), 'utf8').split('\n'))).filter((line) => line.length < 1900)
  const spoken = [...genuine, ...SIGNATURES.flatMap(({ literals }) => literals.map((literal) => `asr: ${literal} and so on`))]
  const file = openSync(path, 'w')
  let block = ''
  for (let written = 0, n = 0; written < MEGABYTES * 1e6; n++) {
    block += n % 50 === 0 ? `${spoken[(n / 50) % spoken.length]!}\n` : `2025-11-21T10:${n % 60}:00Z asr-server[4711]: DEBUG request ${n} took ${n % 900}.${n % 7} ms, path=/srv/audio/${n}.wav user=${n % 5000}\n`
    if (block.length > 1 << 20) {
      written += writeSync(file, block)
      block = ''
    }
  }
  closeSync(file)
}

describeWith('50 MB of log with every signature in it', spawnSync('rg', ['--version']).error === undefined ? null : 'needs ripgrep: apt-get install ripgrep', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-scale-'))
  const log = join(folder, 'service.log')
  afterAll(() => rmSync(folder, { recursive: true }))
  let told: { readonly lines: number; readonly counts: Readonly<Record<string, number>>; readonly megabytes: number }
  beforeAll(async () => {
    writeLog(log)
    await build({ entryPoints: [fileURLToPath(new URL('../../src/log/scan.ts', import.meta.url))], bundle: true, format: 'esm', platform: 'node', outfile: join(folder, 'scan.mjs'), logLevel: 'error' })
    writeFileSync(join(folder, 'child.mjs'), `import { openSync, readSync } from 'node:fs'
import { scanner } from './scan.mjs'
const [scan, file, chunk] = [scanner(), openSync(process.argv[2]), Buffer.allocUnsafe(1 << 20)]
for (let n; (n = readSync(file, chunk, 0, chunk.length, null)) > 0; ) scan.push(chunk.subarray(0, n))
const { lines, counts } = scan.finish('x')
console.log(JSON.stringify({ lines, counts, megabytes: process.resourceUsage().maxRSS / 1024 }))`)
    told = JSON.parse(execFileSync(process.execPath, [join(folder, 'child.mjs'), log], { encoding: 'utf8' }))
  })

  it('is found out as ripgrep finds it with the same literals', () => {
    writeFileSync(join(folder, 'literals'), SIGNATURES.flatMap(({ literals }) => literals).join('\n') + '\n')
    const found = execFileSync('rg', ['--text', '--no-line-number', '--fixed-strings', '--file', join(folder, 'literals'), log], { encoding: 'utf8', maxBuffer: 64 << 20 }).split('\n').map(plainOf)
    const wanted: Record<string, number> = {}
    for (const line of found) for (const { id, literals, where } of SIGNATURES) if (literals.some((literal) => line.includes(literal)) && (where?.test(line) ?? true)) wanted[id] = (wanted[id] ?? 0) + 1
    expect(told.counts).toEqual(wanted)
    for (const { id, genuine, published } of SIGNATURES) if (genuine !== null || published !== null) expect(wanted[id], id).toBeGreaterThan(0)
    expect(told.lines).toBe(Number(execFileSync('wc', ['-l', log], { encoding: 'utf8' }).split(' ')[0]))
  })

  // Node by itself takes 45 MB; a tenth of the log held by mistake would show.
  it('takes no more memory for it', () => expect(told.megabytes).toBeLessThan(110))
})
