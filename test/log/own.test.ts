import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { assess } from '../../src/assess.ts'
import { allChecks } from '../../src/load.ts'
import { ownOf } from '../../src/log/own.ts'
import { writerOf } from '../../src/log/writer.ts'
import { hostHere } from '../support/diagnose.ts'
import { scanned } from './scanned.ts'

const at = 'Nov 21 10:50:09 guest'
/** The first lines of a syslog: who writes into one. */
const SYSLOG = ['CRON[901]: pam_unix(cron:session): session opened for user root', 'sshd[801]: Accepted publickey for anna', 'NetworkManager[611]: <info> dhcp4 (eth0): state changed', 'rsyslogd[700]: imuxsock begins to drop messages', 'chrome[123]: GPU process started', 'asr-server[4711]: listening on 9000'].map((line) => `${at} ${line}`)
const OTHER = [`${at} systemd[1]: other.service: Main process exited, code=dumped, status=11/SEGV`, `${at} kernel: Out of memory: Killed process 123 (chrome) total-vm:1kB, anon-rss:1kB`, `${at} chrome[99]: renderer ended with exit code 139`, `${at} torch-trainer[50]: CUDA out of memory. Tried to allocate 2.00 GiB`]
const OURS = [`${at} systemd[1]: asr.service: Main process exited, code=killed, status=9/KILL`, `${at} kernel: Out of memory: Killed process 4711 (asr-server) total-vm:1kB, anon-rss:1kB`, `${at} asr-server[4711]: Extending BFCArena for Cuda. bin_num:13`]
const asr = { unit: 'asr.service', programs: ['asr-server'] }
const counts = (lines: readonly string[], whose: Parameters<typeof ownOf>[1]) => ownOf(scanned(Buffer.from(lines.join('\n'))), whose)?.counts ?? null

describe('who wrote a line', () => {
  it.each([
    [`${at} systemd[1]: asr.service: Failed with result 'signal'.`, 'systemd', 'unit asr.service'],
    [`${at} (python)[163]: asr.service: Failed to locate executable /opt/x`, '(python)', 'unit asr.service'],
    [`${at} kernel: Out of memory: Killed process 123 (Web Content) total-vm:1kB`, 'kernel', 'process Web Content'],
    ['kernel: Memory cgroup out of memory: Killed process 4711 (python) total-vm', null, 'process python'],
    ['[  812.5] Out of memory: Killed process 4711 (python) total-vm', null, 'process python'],
    [`${at} kernel: NVRM: Xid (PCI:0000:01:00): 79`, 'kernel', null],
    ['2025-11-11T21:15:36.348968+0100 guest asr-server[4711]: hello', 'asr-server', 'program asr-server'],
    ['2025-11-11T21:15:36.348968Z INFO ort: Loaded ONNX Runtime dylib', null, null],
    ['2025-11-11T21:15:36.348968Z INFO Extending BFCArena for Cuda. bin_num:13', null, null],
    ['13:16:20Z - Decoded 0 tokens', null, null],
    ['Retrying with CPU mode', null, null],
  ])('%s', (line, program, of) => expect(writerOf(line)).toMatchObject({ program, of }))
})

describe('a syslog, asked about one unit', () => {
  it('holds nothing of other units, and all of its own', () => {
    expect(counts([...SYSLOG, ...OTHER], asr)).toEqual({})
    expect(counts([...SYSLOG, ...OTHER, ...OURS], asr)).toEqual({ 'systemd-main-exited': 1, 'kernel-oom': 1, 'ort-arena': 1 })
  })

  it('keeps its lines where others of the same kind stand before them', () => {
    const many = Array.from({ length: 200 }, (_, n) => OTHER[0]!.replace('other', `other${n}`))
    const own = ownOf(scanned(Buffer.from([...SYSLOG, ...many.slice(0, 10), OURS[0]!].join('\n'))), asr)!
    expect(own.hits.map(({ line }) => line)).toEqual([SYSLOG.length + 11])
  })

  it('and with nothing of it in it is no log of it', () => {
    expect(counts([...SYSLOG.slice(0, 5), ...OTHER], { unit: 'whisper.service', programs: ['python3.11'] })).toBeNull()
  })

  it('of a service in Python finds the kernel’s name for it', () => {
    expect(counts([...SYSLOG, `${at} python3[77]: started`, `${at} kernel: Out of memory: Killed process 77 (python3.11) total-vm:1kB`], { unit: 'whisper.service', programs: ['python3'] })).toEqual({ 'kernel-oom': 1 })
  })
})

describe('a log without a unit', () => {
  it('does not tell whether one that was killed is the one whose log it is, unless it wrote into it', () => {
    const hits = (...lines: string[]) => ownOf(scanned(Buffer.from(lines.join('\n'))), null)!.hits.filter(({ id }) => id === 'kernel-oom')
    expect(hits('Out of memory: Killed process 4242 (chrome)', 'Processing audio with duration 00:01')).toMatchObject([{ unsure: true }])
    expect(hits(OURS[1]!, OURS[2]!)).toMatchObject([{ of: 'process asr-server' }])
    expect(hits(OURS[1]!, OURS[2]!)[0]).not.toHaveProperty('unsure')
  })

  it('of one service is its own, whoever prepares it', () => {
    const genuine = readFileSync(new URL('../../fixtures/logs/systemd-252-no-executable.txt', import.meta.url), 'utf8').split('\n')
    expect(counts(genuine, null)).toMatchObject({ 'systemd-no-executable': 1, 'systemd-main-exited': 1 })
  })

  it('that collects lines is taken at its word', () => {
    const memory = readFileSync(new URL('../../fixtures/incidents/memory.txt', import.meta.url), 'utf8').split('\n')
    expect(counts(memory, null)).toEqual({ 'torch-out-of-memory': 1, 'kernel-oom': 1 })
  })

  it('of many keeps what engines wrote, and ends of what wrote it', () => {
    expect(counts([...SYSLOG, ...OTHER, ...OURS], null)).toEqual({ 'torch-out-of-memory': 1, 'ort-arena': 1, 'kernel-oom': 1 })
  })
})

describe('check --log /var/log/syslog', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-own-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('blames nobody for the end of another unit and of a browser', async () => {
    const path = join(folder, 'syslog')
    writeFileSync(path, [...SYSLOG, ...OTHER.slice(0, 3), ''].join('\n'))
    const report = await assess(hostHere({ kind: 'shell', files: { logs: [path], profiles: [], models: [] } }), { checks: allChecks(), allowed: new Set(), failOn: 'info' })
    expect([...report.outcomes].filter(([, { status }]) => status === 'found')).toEqual([])
    expect(report.hypotheses.filter(({ state }) => state === 'confirmed')).toEqual([])
  })

  it('that is empty is not seen', async () => {
    const path = join(folder, 'empty.log')
    writeFileSync(path, '')
    const report = await assess(hostHere({ kind: 'shell', files: { logs: [path], profiles: [], models: [] } }), { checks: allChecks(), allowed: new Set(), failOn: 'info' })
    expect(report.outcomes.get('log/gpu-error')).toMatchObject({ status: 'unknown', because: `${path} is empty.` })
  })

  it('of a service that was started again speaks of its last run', async () => {
    const path = join(folder, 'journal')
    const failed = `${at} python3[101]: Failed to create CUDAExecutionProvider.`
    const judged = async (...lines: string[]) => {
      writeFileSync(path, [...lines, ''].join('\n'))
      return (await assess(hostHere({ kind: 'shell', files: { logs: [path], profiles: [], models: [] } }), { checks: allChecks(), allowed: new Set(), failOn: 'info' })).outcomes.get('ep/fell-back-to-cpu')
    }
    expect(await judged(failed, `${at} systemd[1]: Stopped asr.service - ASR.`, `${at} systemd[1]: Started asr.service - ASR.`, `${at} python3[202]: listening`)).toMatchObject({ status: 'unknown' })
    expect(await judged(failed)).toMatchObject({ status: 'found', findings: [{ severity: 'error' }] })
  })
})
