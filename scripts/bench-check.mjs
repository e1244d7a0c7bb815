// Start-up and memory of `check` and `--help` as ratios to bare Node and to envinfo, all interleaved in one run, because
// absolute times of a shared machine say nothing. Usage: npm run bench:check -- [--runs 20] [--node PATH]... [--no-envinfo]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '20' }, node: { type: 'string', multiple: true }, 'no-envinfo': { type: 'boolean', default: false } } })
const runs = Number(values.runs)
const doctor = fileURLToPath(new URL('../bin/asr-doctor.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-bench-'))
const preload = join(folder, 'peak.mjs')
writeFileSync(preload, "import{appendFileSync}from'node:fs';process.on('exit',()=>appendFileSync(process.env.PEAK_FILE,process.resourceUsage().maxRSS+'\\n'))")

/** Wall and CPU seconds (children included) by the shell's own clock; the command's output is thrown away. */
function timed(command) {
  const ran = spawnSync('bash', ['-c', 'TIMEFORMAT="%3R %3U %3S"; time "$@" >/dev/null 2>/dev/null', 'bench', ...command], { encoding: 'utf8', env: quiet })
  const [wall, user, system] = ran.stderr.trim().split('\n').at(-1).split(' ').map(Number)
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000 }
}

/** Peak resident memory of the largest Node process of a command, in MiB, from a run of its own. */
function peakMiB(command) {
  const file = join(folder, 'peak.txt')
  writeFileSync(file, '')
  spawnSync(command[0], command.slice(1), { stdio: 'ignore', env: { ...quiet, NODE_OPTIONS: `--import=${preload}`, PEAK_FILE: file } })
  return Math.max(...readFileSync(file, 'utf8').trim().split('\n').map(Number)) / 1024
}

// A slow probe: an nvidia-smi that takes a second for a genuine report.
const PROBE_MS = 1000
const smi = join(folder, 'nvidia-smi')
writeFileSync(smi, `#!/bin/sh\nsleep ${PROBE_MS / 1000}\ncat '${fileURLToPath(new URL('../fixtures/nvidia-smi/tesla-t4.xml', import.meta.url))}'\n`, { mode: 0o755 })

const quiet = { ...process.env, NO_COLOR: '1', npm_config_yes: 'true', npm_config_update_notifier: 'false' }
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

for (const node of values.node ?? [process.execPath]) {
  const version = spawnSync(node, ['-v'], { encoding: 'utf8' }).stdout.trim()
  const commands = {
    'node -e 0': [node, '-e', '0'],
    'asr-doctor --help': [node, doctor, '--help'],
    'asr-doctor check': [node, doctor, 'check'],
    'the same, slow smi': ['env', `PATH=${folder}:${process.env.PATH}`, node, doctor, 'check'],
    ...(values['no-envinfo'] ? {} : { 'npx envinfo': ['npx', 'envinfo'] }),
  }
  for (const command of Object.values(commands)) timed(command)
  const samples = Object.fromEntries(Object.keys(commands).map((name) => [name, []]))
  for (let run = 0; run < runs; run++) for (const [name, command] of Object.entries(commands)) if (name !== 'npx envinfo' || run < Math.ceil(runs / 4)) samples[name].push(timed(command))
  const bare = { wall: median(samples['node -e 0'].map((s) => s.wallMs)), cpu: median(samples['node -e 0'].map((s) => s.cpuMs)) }
  const envinfo = samples['npx envinfo'] && median(samples['npx envinfo'].map((s) => s.wallMs))
  console.log(`\nNode ${version}, median of ${runs} interleaved runs`)
  console.log('command             wall ms   × bare   + ms   CPU ms   × bare   peak MiB   × envinfo (wall)')
  for (const [name, all] of Object.entries(samples)) {
    const wall = median(all.map((s) => s.wallMs))
    const cpu = median(all.map((s) => s.cpuMs))
    const row = [name.padEnd(18), wall.toFixed(0).padStart(8), (wall / bare.wall).toFixed(2).padStart(8), (wall - bare.wall).toFixed(0).padStart(6), cpu.toFixed(0).padStart(8), (cpu / bare.cpu).toFixed(2).padStart(8), peakMiB(commands[name]).toFixed(0).padStart(10)]
    if (name === 'the same, slow smi') console.log(`  of which beyond the ${PROBE_MS} ms of the probe: ${(wall - PROBE_MS).toFixed(0)} ms; without any probe ${median(samples['asr-doctor check'].map((s) => s.wallMs)).toFixed(0)} ms`)
    console.log(row.join(' ') + (envinfo ? (wall / envinfo).toFixed(2).padStart(12) : ''))
  }
}
rmSync(folder, { recursive: true, force: true })
