import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clipWav } from '../../src/bench/audio/clip.ts'
import { describeWith } from '../support/rig.ts'
import { buildTool, checked, type Tool } from './tool.ts'
import { NODE, REPOSITORY } from '../support/box.ts'

const MODEL = '/usr/share/pocketsphinx/model/en-us'
const sphinx = existsSync('/usr/bin/pocketsphinx_continuous') && existsSync(`${MODEL}/en-us`) ? null : 'apt-get install pocketsphinx pocketsphinx-en-us'

let tool: Tool
let server: Server
let address = ''
let folder = ''
/** Requests that are being worked on, the most there were at once, and the end of those so far, for a server that takes one after another. */
let busy = 0
let most = 0
let queue: Promise<unknown> = Promise.resolve()
let requests: { readonly path: string; readonly model: string; readonly file: Buffer }[] = []
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  writeFileSync(join(folder, 'short.wav'), clipWav().subarray(0, 44 + 2 * 16000 * 6))
  writeFileSync(join(folder, 'short.txt'), 'four score and seven years ago our fathers brought forth on this continent a new nation')
  server = createServer(async (request, response) => {
    // The reader of multipart is the platform's own.
    const form = await new Request('http://x/', { method: 'POST', headers: { 'content-type': request.headers['content-type']! }, body: request as never, duplex: 'half' } as never).formData()
    const file = Buffer.from(await (form.get('file') as File).arrayBuffer())
    requests.push({ path: request.url!, model: String(form.get('model')), file })
    const answer = (status: number, body: string) => response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    if (request.url === '/fail') return answer(503, '{"error":"model is loading"}')
    if (request.url === '/page') return answer(200, '<html>hello</html>')
    if (request.url === '/away') return response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end()
    if (request.url === '/forgets') return answer(200, JSON.stringify({ text: requests.length > 1 ? '' : 'four score' }))
    // Servers whose work is to wait: what is looked at is how requests get along with each other.
    if (request.url!.startsWith('/works/')) {
      busy++
      most = Math.max(most, busy)
      response.once('close', () => busy--)
      const work = () => sleep(60)
      if (request.url === '/works/two-at-most' && busy > 2) return answer(429, '{"error":"rate limit"}')
      if (request.url === '/works/breaks-down' && busy > 2) return answer(503, '{"error":"overloaded"}')
      if (request.url === '/works/hangs-up' && busy > 2) return request.socket.destroy()
      if (request.url === '/works/forgets-in-a-crowd' && busy > 2) return answer(200, '{"text":""}')
      await (request.url === '/works/one-by-one' ? (queue = queue.then(work)) : work())
      return answer(200, '{"text":"four score and seven"}')
    }
    const wav = join(folder, `request${requests.length}.wav`)
    writeFileSync(wav, file)
    execFile('/usr/bin/pocketsphinx_continuous', ['-hmm', `${MODEL}/en-us`, '-lm', `${MODEL}/en-us.lm.bin`, '-dict', `${MODEL}/cmudict-en-us.dict`, '-logfn', '/dev/null', '-infile', wav], (error, text) =>
      error ? answer(500, '{}') : answer(200, JSON.stringify({ text })),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.close()
  tool.remove()
  rmSync(folder, { recursive: true, force: true })
})

/** The server lives in this process, so the tool may not block it. */
const ask = (...args: readonly string[]) =>
  new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    requests = []
    most = 0
    const child = execFile(NODE, [tool.main, 'bench', '--audio', join(folder, 'short.wav'), ...args], { cwd: REPOSITORY }, (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }))
  })

describe('--url', () => {
  it.each<[string, string, number, RegExp]>([
    ['a server that refuses', '/fail', 4, /HTTP status 503: .*model is loading/],
    ['a server that answers with a page', '/page', 4, /did not answer with JSON that holds a text/],
    ['a server that sends the recording elsewhere', '/away', 4, /gave no answer/],
    ['a server that hears nothing the second time', '/forgets', 1, /The transcript is empty in \d+ of \d+ runs/],
  ])('%s', async (_, path, expected, message) => {
    const { code, stdout, stderr } = await ask('--runs', '1', '--url', `${address}${path}`)
    expect(stdout + stderr).toMatch(message)
    expect(code).toBe(expected)
  })
  it('requests side by side: throughput grows with them, and none waits longer', async () => {
    const { code, stdout } = await ask('--json', '--runs', '3', '--concurrency', '1,8', '--concurrency', '4', '--url', `${address}/works/side-by-side`)
    const { concurrency, doubts, audio } = checked(stdout)
    expect(concurrency.map(({ level }: { level: number }) => level)).toEqual([1, 4, 8])
    const [one, four, eight] = concurrency
    expect([one.requests, four.requests, eight.requests]).toEqual([20, 20, 32])
    expect(most).toBe(8)
    // Each takes 60 ms or more, so of one after another at most 1 / 0.06 get done in a second.
    expect(one.rtfx).toBeLessThanOrEqual(audio.seconds / 0.059)
    expect(four.rtfx / one.rtfx).toBeGreaterThan(2)
    expect(eight.latencyMs).toMatchObject({ samples: { length: 32 } })
    expect(eight.latencyMs.samples.filter((ms: number) => ms <= eight.latencyMs.p50)).toHaveLength(16)
    expect(eight.latencyMs.samples.filter((ms: number) => ms > eight.latencyMs.p95)).toHaveLength(1)
    expect(Math.min(...eight.latencyMs.samples)).toBeGreaterThanOrEqual(59)
    expect(doubts.map(({ kind }: { kind: string }) => kind)).not.toContain('requests-queue')
    expect(code).toBe(0)
  })
  it('a server that takes one request after another is named as that', async () => {
    const { code, stdout } = await ask('--json', '--runs', '3', '--concurrency', '1,8', '--url', `${address}/works/one-by-one`)
    const { concurrency, doubts } = checked(stdout)
    expect(most).toBe(8)
    expect(concurrency[1].latencyMs.p50).toBeGreaterThan(3 * concurrency[0].latencyMs.p50)
    expect(doubts).toContainEqual({ kind: 'requests-queue', because: expect.stringMatching(/^8 requests at once get 1\.\d\d times the throughput of one: each waits for the others, half of them 0\.\d+ s or longer\.$/), how: null })
    expect(code).toBe(0)
  })
  it.each<[string, string, RegExp]>([
    ['refuses what is too much', '/works/two-at-most', /^HTTP status 429 \(too many requests\)$/],
    ['fails under load', '/works/breaks-down', /^HTTP status 503 \(service unavailable\)$/],
    ['closes the connection', '/works/hangs-up', /^no answer \((UND_ERR_SOCKET|ECONNRESET)\)$/],
    ['answers in a crowd with nothing', '/works/forgets-in-a-crowd', /^an empty transcript$/],
  ])('a server that %s: every request without a text is counted by its reason', async (_, path, reason) => {
    const { stdout, stderr } = await ask('--json', '--runs', '1', '--concurrency', '2,6', '--url', `${address}${path}`)
    const { concurrency: [two, six], doubts } = checked(stdout)
    expect(two).toMatchObject({ level: 2, requests: 20, failed: {}, latencyMs: { samples: { length: 20 } } })
    const [[what, times] = ['', 0], ...more] = Object.entries<number>(six.failed)
    expect(what).toMatch(reason)
    expect(more).toEqual([])
    expect(times + (six.latencyMs?.samples.length ?? 0)).toBe(24)
    expect(doubts).toContainEqual({ kind: 'requests-fail', because: `Not every request got a text: ${what} ${times} times in 24 requests with 6 at once.`, how: null })
    expect(stderr).not.toMatch(/\n\s+at /)
  })
  it('the text says all of it', async () => {
    const { stdout } = await ask('--runs', '1', '--concurrency', '6', '--url', `${address}/works/two-at-most`)
    expect(stdout).toMatch(/At once  RTFx of all     p50 \(empirical\)         p95      answered\n  6 .* \d+ of 24  HTTP status 429 \(too many requests\): \d+\n/)
  })
  it('Ctrl-C in the crowd: what was measured before is kept', async () => {
    const child = spawn(NODE, [tool.main, 'bench', '--json', '--audio', join(folder, 'short.wav'), '--runs', '1', '--concurrency', '1,200', '--url', `${address}/works/one-by-one`], { cwd: REPOSITORY })
    let stdout = ''
    child.stdout.on('data', (chunk) => (stdout += chunk))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    most = 0
    while (most < 100 && child.exitCode === null) await sleep(20)
    child.kill('SIGINT')
    expect(await ended).toBe(130)
    expect(checked(stdout)).toMatchObject({ interrupted: true, concurrency: [{ level: 1, requests: 20 }] })
  })
  it.each<[string, RegExp]>([['0', /above 0/], ['2,x', /above 0/], ['1.5', /whole number/], ['300', /At most 256/]])('--concurrency %s is no number of requests', async (typed, message) => {
    const { code, stderr } = await ask('--concurrency', typed, '--url', address)
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
  it('--concurrency without a server', async () => {
    expect(await ask('--concurrency', '4', '--command', 'x {audio}')).toMatchObject({ code: 2, stderr: expect.stringContaining('goes with --url') })
  })
  it('nobody there', async () => {
    const { code, stderr } = await ask('--url', 'http://127.0.0.1:9/v1/audio/transcriptions')
    expect(stderr).toMatch(/gave no answer/)
    expect(code).toBe(4)
  })
  it.each([['localhost:8000'], ['file:///etc/passwd'], ['nonsense']])('%s is no address', async (typed) => {
    expect(await ask('--url', typed)).toMatchObject({ code: 2, stderr: expect.stringContaining('that is no address') })
  })

  describeWith('pocketsphinx', sphinx, () => {
    it('a real recogniser behind the interface of OpenAI: RTF and word error rate', async () => {
      const { code, stdout } = await ask('--json', '--runs', '2', '--url', `${address}/v1/audio/transcriptions`, '--url-model', 'sphinx', '--reference', join(folder, 'short.txt'), '--max-wer', '60%')
      const result = checked(stdout)
      expect(result).toMatchObject({ target: { kind: 'url', name: `${address}/v1/audio/transcriptions` }, workload: 'sphinx', provider: { used: null } })
      expect(result.text.wer).toBeLessThan(0.6)
      expect(result.text.heard).toContain('years ago')
      expect(result.rtf.median).toBeLessThan(2)
      // Our own reading of who is busy would take the server itself for a stranger.
      expect(result.machine.load).toBeNull()
      expect(result.runs[0]).toMatchObject({ cpuMs: null, calibration: null })
      expect(requests[0]).toMatchObject({ path: '/v1/audio/transcriptions', model: 'sphinx' })
      expect(requests[0]!.file.subarray(0, 4).toString()).toBe('RIFF')
      expect(code).toBe(0)
    })
    it('several at once: each gets its own text', async () => {
      const { stdout } = await ask('--json', '--runs', '1', '--concurrency', '2', '--url', `${address}/v1/audio/transcriptions`)
      const { concurrency: [two], audio } = checked(stdout)
      expect(two).toMatchObject({ level: 2, failed: {} })
      expect(two.latencyMs.samples).toHaveLength(two.requests)
      // However slow the machine: two at a time, each as long as the middle one (Little's law).
      const expected = (2 * audio.seconds) / (two.latencyMs.p50 / 1000)
      expect(two.rtfx).toBeGreaterThan(expected / 2)
      expect(two.rtfx).toBeLessThan(expected * 2)
    }, 300_000)
  })
})
