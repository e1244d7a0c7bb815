// Scans 1 GB of log with every signature, and with ripgrep for the same literals, in turn; prints both.
//   npm run bench:log [MB]
import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, openSync, rmSync, mkdtempSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const megabytes = Number(process.argv[2] ?? 1024)
const MOST_MEGABYTES = 80
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-bench-log-'))
try {
  const log = join(folder, 'service.log')
  await build({ stdin: { contents: "export { scanner } from './src/log/scan.ts'; export { SIGNATURES } from './src/log/signatures.ts'", resolveDir: process.cwd(), loader: 'ts' }, bundle: true, format: 'esm', platform: 'node', target: 'node20', outfile: join(folder, 'scan.mjs'), logLevel: 'error' })
  const { SIGNATURES } = await import(join(folder, 'scan.mjs'))
  const literals = SIGNATURES.flatMap(({ literals }) => literals)
  writeLog(log, megabytes * 1e6, literals)
  writeFileSync(join(folder, 'literals'), literals.join('\n') + '\n')
  writeFileSync(
    join(folder, 'child.mjs'),
    `import { closeSync, openSync, readSync } from 'node:fs'
import { scanner } from './scan.mjs'
const started = performance.now()
const scan = scanner()
const file = openSync(process.argv[2])
const chunk = Buffer.allocUnsafe(1 << 20)
for (let n; (n = readSync(file, chunk, 0, chunk.length, null)) > 0; ) scan.push(chunk.subarray(0, n))
closeSync(file)
const { lines, counts } = scan.finish('bench')
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, megabytesRss: process.resourceUsage().maxRSS / 1024, lines, hits: Object.values(counts).reduce((a, b) => a + b, 0) }))`,
  )
  const ours = () => JSON.parse(execFileSync(process.execPath, [join(folder, 'child.mjs'), log], { encoding: 'utf8' }))
  const theirs = () => {
    const started = performance.now()
    const { status, stdout, error } = spawnSync('rg', ['--threads', '1', '--count', '--fixed-strings', '--text', '--file', join(folder, 'literals'), log], { encoding: 'utf8' })
    if (error) throw new Error('ripgrep is not installed (apt-get install ripgrep)')
    return { seconds: (performance.now() - started) / 1000, lines: Number(stdout), status }
  }
  execFileSync('cat', [log], { stdio: 'ignore' })
  const rounds = Array.from({ length: 5 }, () => ({ ours: ours(), theirs: theirs() }))
  const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
  const speed = (seconds) => megabytes / seconds
  const scan = speed(median(rounds.map((round) => round.ours.seconds)))
  const rg = speed(median(rounds.map((round) => round.theirs.seconds)))
  const ratio = median(rounds.map((round) => round.theirs.seconds / round.ours.seconds))
  console.log(`${literals.length} literals, ${rounds[0].ours.lines} lines, ${megabytes} MB`)
  const resident = Math.max(...rounds.map((round) => round.ours.megabytesRss))
  console.log(`asr-doctor ${scan.toFixed(0)} MB/s, at most ${resident.toFixed(0)} MB resident (wanted: at most ${MOST_MEGABYTES}), ${rounds[0].ours.hits} hits`)
  console.log(`ripgrep    ${rg.toFixed(0)} MB/s, ${rounds[0].theirs.lines} lines`)
  console.log(`ratio ${ratio.toFixed(2)} (wanted: at least 0.9)`)
  if (process.argv.includes('--gate')) process.exitCode = ratio >= 0.9 && resident <= MOST_MEGABYTES ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Lines as services write them; one in a thousand means something, by each of the literals in turn. */
function writeLog(path, size, literals) {
  const file = openSync(path, 'w')
  const words = ['INFO request finished', 'DEBUG worker idle, queue length 0', 'INFO audio frame received, 16000 Hz mono', 'TRACE vad probability 0.031', 'INFO POST /v1/audio/transcriptions 200', 'DEBUG cache hit for session']
  let seed = 1
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648
  let block = ''
  let meant = 0
  for (let written = 0, n = 0; written < size; n++) {
    const time = new Date(1763000000000 + n * 7).toISOString()
    const text = random() < 0.001 ? `${literals[meant++ % literals.length]} bin_num:13 (requested) num_bytes: 3200000` : `${words[Math.floor(random() * words.length)]} id=${Math.floor(random() * 1e9).toString(16)} took ${(random() * 900).toFixed(2)} ms user=${Math.floor(random() * 5000)} path=/srv/audio/${Math.floor(random() * 1e6)}.wav`
    block += `${time} asr-server[4711]: ${text}\n`
    if (block.length > 1 << 20) {
      written += writeSync(file, block)
      block = ''
    }
  }
  closeSync(file)
}
