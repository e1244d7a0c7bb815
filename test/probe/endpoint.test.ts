import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isHere, serverOn } from '../../src/host/listeners.ts'
import { inFirstPidNamespace } from '../../src/host/service-processes.ts'
import { alive, compilerMissing, smiFolder, started, textFile, withSmi } from '../gpu/stub.ts'
import { call } from '../support/call.ts'
import { describeWith } from '../support/rig.ts'
import { serve, sphinxMissing, type Server } from './endpoint-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-endpoint-test-'))
let server: Server
let models: Server
beforeAll(async () => {
  server = await serve({ ENGINE: 'busy', GO: join(folder, 'go') })
  models = await serve({ ENGINE: 'busy', MODELS: 'kokoro-82m,org/some-whisper-large' })
})
afterAll(() => {
  server.stop()
  models.stop()
  rmSync(folder, { recursive: true, force: true })
})

const examine = async (...args: readonly string[]) => {
  const { code, out, err } = await call(['check', ...args, '--only', 'ep', '--json'])
  expect(err).toBe('')
  const { outcomes, verdict, hypotheses, target } = JSON.parse(out)
  return { code, verdict, hypotheses, target, outcome: outcomes['ep/endpoint-failed'], outcomes }
}
const ask = (path: string, ...args: readonly string[]) => examine('--pid', String(server.pid), '--probe', server.at(path), ...args)

describe('a wrong call with --probe URL is one clear line and exit code 2', () => {
  it.each<[string, string[], RegExp]>([
    ['no address', ['--probe', 'localhost:9000'], /that is no address of an endpoint, such as http/],
    ['a word', ['--probe', 'my-asr'], /that is no address/],
    ['another protocol', ['--probe', 'ws://localhost:9000/x'], /that is no address/],
    ['a file', ['--probe', 'file:///etc/passwd'], /that is no address/],
    ['a password', ['--probe', 'http://me:hidden@localhost:9000/inference'], /leave users, passwords and keys out/],
    ['a key', ['--probe', 'http://localhost:9000/inference?api_key=hidden'], /leave users, passwords and keys out/],
    ['no path', ['--probe', 'http://localhost:9000'], /whole address.*\/inference/],
    ['an interpreter', ['--python', '/usr/bin/python3', '--probe', 'http://localhost:9000/x'], /leave --python out/],
    ['a library', ['--library', '/x.so', '--probe', 'http://localhost:9000/x'], /leave --library out/],
    ['a case', ['--replay', 'x.md', '--probe', 'http://localhost:9000/x'], /leave --probe out/],
    ['everything', ['--all', '--probe', 'http://localhost:9000/x'], /name it with --unit or --pid/],
  ])('%s', async (_, args, words) => {
    const { code, out, err } = await call(['check', ...args])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(words)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(err).not.toContain('hidden')
  })
})

describe('an endpoint that gives no text', () => {
  it('an empty one: an error, and neither microphone nor sample rate is to blame', async () => {
    const { outcome, hypotheses, code, verdict } = await ask('/empty')
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', confidence: 'certain', cause: `${server.at('/empty')} gave an empty text for 8.2 s of clear speech.` }] })
    expect(Object.fromEntries(hypotheses.map(({ id, state }: { id: string; state: string }) => [id, state]))).toMatchObject({ 'silent-input': 'refuted', 'wrong-sample-form': 'refuted', 'precision-overflow': 'undetermined' })
    expect(verdict.because).toContain('The text is empty in each of them.')
    expect(code).toBe(1)
  })
  it.each<[string, string, string, RegExp]>([
    ['status 500, with the first line of the body', '/fails', 'error', /failed at the request: HTTP status 500: \{"detail":"CUDA error: out of memory"\}\.$/],
    ['status 503', '/busy', 'warning', /too busy, or not ready yet: HTTP status 503: .*model is loading/],
    ['an error with status 200', '/says-error', 'error', /failed at the request: it says: \{"error":"failed to process audio"\}\.$/],
  ])('%s', async (_, path, severity, cause) => {
    const { outcome, code } = await ask(path)
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity, cause: expect.stringMatching(cause) }] })
    expect(code).toBe(1)
  })
  it('silence: an error after a long time, and after a short one not yet', async () => {
    const { outcome } = await ask('/hangs', '--timeout', '40')
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: expect.stringMatching(/gave no answer to 8\.2 s of speech within [23]\d s\.$/) }] })
    const { outcome: early, code } = await ask('/hangs', '--timeout', '12')
    expect(early).toMatchObject({ status: 'unknown', because: expect.stringMatching(/(gave no answer to 8\.2 s of speech within|was not asked)/) })
    expect(code).toBe(3)
  })
  it('a server that dies of it', async () => {
    const mortal = await serve()
    const { outcome } = await examine('--pid', String(mortal.pid), '--probe', mortal.at('/dies'))
    expect(outcome).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: expect.stringMatching(/hung up after 0\.\d\d s without an answer, as a server does that dies of the request\.$/) }] })
    const { outcome: gone } = await examine('--probe', mortal.at('/dies'))
    expect(gone).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: expect.stringMatching(/nothing listens there\.$/) }] })
  })
  it.each<[string, string, RegExp]>([
    ['a redirect elsewhere, which is not followed', '/away', /sends the request on to http:\/\/198\.51\.100\.7\//],
    ['a page', '/page', /did not answer with JSON that holds a text: <html>/],
    ['a server that asks for a key', '/key', /did not take the request: HTTP status 401: .*API key/],
    ['more than is read', '/long', /did not answer with JSON that holds a text: more than 1 MiB\./],
  ])('%s: that shows no fault of it', async (_, path, because) => {
    const { outcome, code } = await ask(path)
    expect(outcome).toMatchObject({ status: 'unknown', because: expect.stringMatching(because) })
    expect(code).toBe(3)
  })
})

describe('an endpoint that gives the text', () => {
  it('is found by its port, and asked by the name of a model that it has', async () => {
    const { outcome, target, verdict, code } = await examine('--probe', models.at('/v1/audio/transcriptions'))
    expect({ outcome, code }).toEqual({ outcome: { status: 'passed' }, code: 0 })
    expect(target).toMatchObject({ kind: 'pid', pid: models.pid })
    expect(verdict.because).toMatch(/8\.2 s of speech took it \d+(\.\d+)? s the first time and \d+(\.\d+)? s then .*The text is what is said \(word error rate 0 %\)\./)
  })
  it('with no GPU in its hands and the processors at work: not on the GPU', async () => {
    for (const path of ['/v1/audio/transcriptions', '/child']) {
      const { verdict } = await ask(path)
      expect(verdict.because).toContain('None of its processes had the device of a GPU open')
      // Programs for single requests take with them how long they waited, which is known of the living alone.
      if (path === '/child' && verdict.onGpu === null) expect(verdict).toMatchObject({ tier: null, because: expect.stringContaining('which does not show') })
      else expect(verdict).toMatchObject({ onGpu: false, tier: 'T3' })
    }
  })
  it('and waits meanwhile: somebody else may do the work', async () => {
    const { verdict } = await ask('/waits')
    expect(verdict).toMatchObject({ onGpu: null, tier: null, because: expect.stringMatching(/used 0\.[0-2] CPUs more than before, which does not show that the work was done by them/) })
  })
  it('for a service that asks for the GPU, its work on the CPU is an error', async () => {
    const wishful = await serve({ ENGINE: 'busy' }, '--device', 'cuda')
    try {
      const { outcomes, verdict } = await examine('--pid', String(wishful.pid), '--probe', wishful.at('/v1/audio/transcriptions'))
      expect(verdict).toMatchObject({ onGpu: false, tier: 'T3' })
      expect(outcomes['ep/endpoint-on-cpu']).toMatchObject({ status: 'found', findings: [{ severity: 'error', cause: 'It asks for the GPU, and answers its endpoint with the CPU alone.' }] })
    } finally {
      wishful.stop()
    }
  })
  it('nothing is imported or run in its place', async () => {
    const file = join(folder, 'case.md')
    expect(await call(['record', '--pid', String(server.pid), '--probe', server.at('/v1/audio/transcriptions'), '--output', file])).toMatchObject({ code: 0 })
    const text = readFileSync(file, 'utf8')
    expect(text).toContain(`## transcribe ${server.at('/v1/audio/transcriptions')} 60 ${server.pid} -`)
    expect(text).not.toContain('asr-doctor-probe.py')
    const again = JSON.parse((await call(['check', '--replay', file, '--only', 'ep', '--json'])).out)
    expect(again.outcomes['ep/endpoint-failed']).toEqual({ status: 'passed' })
    expect(again.outcomes['ep/probe-failed']).toEqual({ status: 'not-applicable', because: 'Its endpoint was asked, and no engine was tried in its place.' })
    expect(again.verdict.because).toContain('Asked at its endpoint, 8.2 s of speech took it')
    // The same machine on which the server holds a GPU and computed there: judged from the answers alone.
    const lines = [[-1250, '    0          -     -      -      -      -      -      -      -      -      -    -'], [2000, `    0    ${server.pid}     C     61     12      -      -      -      -   2948      0    node           `]]
    const header = ['# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command ', '# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name ']
    const computed = join(folder, 'computed.md')
    writeFileSync(computed, text.replace(/ "samePids": \w+,\n "pmon": null/, () => ` "samePids": true,\n "pmon": ${JSON.stringify([...header.map((line) => [-1300, line]), ...lines])}`))
    expect(JSON.parse((await call(['check', '--replay', computed, '--only', 'ep', '--json'])).out).verdict).toMatchObject({ onGpu: true, tier: expect.stringMatching(/^T[56]$/) })
    const shown = (await call(['check', '--replay', computed, '--only', 'ep'])).out
    expect(shown).toMatch(/^On the GPU: yes \(T[56], /m)
  }, 240_000)
})

describe('whose address it is', () => {
  it('loopback and the own addresses are this machine, others are not', async () => {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []).find(({ internal, family }) => !internal && family === 'IPv4')
    const here = (address: string) => isHere(new URL(address))
    expect(await Promise.all(['http://localhost:1/x', 'http://127.9.8.7/x', 'http://[::1]:1/x', ...(own ? [`http://${own.address}/x`] : [])].map(here))).not.toContain(false)
    expect(await Promise.all(['http://198.51.100.7/x', 'http://[2001:db8::1]/x', 'http://no-such-host.invalid/x'].map(here))).not.toContain(true)
  })
  it('a port that nobody holds, or that a program holds which only passes on', async () => {
    const front = createServer()
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
    const { port } = front.address() as AddressInfo
    expect(serverOn(port)).toBe(process.pid)
    await new Promise((resolve) => front.close(resolve))
    expect(serverOn(port)).toBeNull()
  })
})

describeWith('pocketsphinx', sphinxMissing, () => {
  let real: Server
  beforeAll(async () => {
    real = await serve()
  })
  afterAll(() => real.stop())
  it('a real recogniser, in a program that is started for each request', async () => {
    const { outcome, verdict } = await examine('--probe', real.at('/v1/audio/transcriptions'))
    expect(outcome).toEqual({ status: 'passed' })
    // 4 of 19 words.
    expect(verdict.because).toContain('The text is what is said (word error rate 21 %).')
    expect(verdict.onGpu).not.toBe(true)
  })
})

describeWith('nvidia-smi stand-in', compilerMissing() ?? (inFirstPidNamespace() ? null : 'needs the first pid namespace: process ids of a container are not those that nvidia-smi counts'), () => {
  let smi = ''
  beforeAll(() => {
    smi = smiFolder()
  })
  afterAll(() => rmSync(smi, { recursive: true, force: true }))
  afterEach(async () => {
    for (let i = 0; i < 60 && started().some(alive); i++) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(started().filter(alive)).toEqual([])
  })
  const HEAD = '# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command \n# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name \n'
  const row = (pid: number, sm: string, name = 'node') => `    0    ${String(pid).padStart(7)}     C     ${sm.padStart(2)}      -      -      -      -      -   2948      0    ${name.padEnd(15)}\n`
  const IDLE = '    0          -     -      -      -      -      -      -      -      -      -    -              \n'
  const IDLE_T4 = '0, Tesla T4, 0, 1032, 585, 1590, 26.78, 70.00, 70.00, 40, 0x0000000000000000\n'
  /** What is seen until the server is asked for the first time, and from then on. */
  const seen = (before: string, during: string, path = '/v1/audio/transcriptions') => {
    rmSync(join(folder, 'go'), { force: true })
    return withSmi(smi, { SMI_MODE: 'loop', SMI_GO: join(folder, 'go'), SMI_FILE: textFile(folder, 'gpu.csv', IDLE_T4), SMI_PMON: textFile(folder, 'before.txt', HEAD + before), SMI_PMON_BUSY: textFile(folder, 'during.txt', HEAD + during) }, () => ask(path))
  }

  it('its own process computes during the requests and not before: on the GPU', async () => {
    const { verdict } = await seen(row(server.pid, '-'), row(server.pid, '64'))
    expect(verdict).toMatchObject({ onGpu: true, tier: expect.stringMatching(/^T[56]$/), because: expect.stringContaining(`nvidia-smi pmon saw its process ${server.pid} (node) compute on GPU 0, up to 64 % of the time, and not before.`) })
  })
  it('another process computes all the time: nothing of it counts', async () => {
    const { verdict } = await seen(row(1, '97', 'train.py'), row(1, '97', 'train.py'))
    expect(verdict.onGpu).not.toBe(true)
    expect(verdict.because).not.toContain('train.py')
  })
  it('nobody computes', async () => {
    const { verdict } = await seen(IDLE, IDLE)
    expect(verdict.onGpu).not.toBe(true)
    expect(verdict.because).toContain('None of its processes had the device of a GPU open')
  })
  it('it holds memory and does nothing with it', async () => {
    const { verdict } = await seen(row(server.pid, '-'), row(server.pid, '-'), '/waits')
    expect(verdict).toMatchObject({ onGpu: null, tier: 'T3', because: expect.stringContaining(`node (${server.pid}) holds 2948 MiB on GPU 0`) })
  })
  it.each([['hangs', { SMI_MODE: 'hang' }], ['prints without end', { SMI_MODE: 'flood' }], ['fails', { SMI_MODE: 'say', SMI_FILE: '/dev/null', SMI_CODE: '9' }]])('an nvidia-smi that %s is no hindrance, and is ended', async (_, settings) => {
    const { outcome, verdict } = await withSmi(smi, settings, () => ask('/waits', '--timeout', '15'))
    expect(outcome).toEqual({ status: 'passed' })
    expect(verdict).toMatchObject({ onGpu: null, tier: null })
  })
})
