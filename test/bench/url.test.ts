import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
  })
})
