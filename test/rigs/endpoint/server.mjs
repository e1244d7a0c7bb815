/*
 * A transcription server of OpenAI's shape, with PocketSphinx behind it, and one for each way of failing. It prints the port that it
 * listens on. MODELS: the names that it lists and asks for; ENGINE=busy takes the place of PocketSphinx where it is not installed. GO: a file that it makes when it is first asked.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MODEL = '/usr/share/pocketsphinx/model/en-us'
const WORDS = 'Four score and seven years ago our fathers brought forth on this continent a new nation, conceived in liberty,'
const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-endpoint-'))
const models = (process.env.MODELS ?? '').split(',').filter(Boolean)
// Held open as an engine holds the device of its GPU.
if (process.env.DEVICE) openSync(process.env.DEVICE, 'r')
let count = 0

const server = createServer(async (request, response) => {
  const answer = (status, body, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  if (request.method === 'GET') return request.url === '/v1/models' && models.length > 0 ? answer(200, JSON.stringify({ object: 'list', data: models.map((id) => ({ id, object: 'model' })) })) : answer(404, '{"detail":"Not Found"}')
  const form = await new Request('http://x/', { method: 'POST', headers: { 'content-type': request.headers['content-type'] }, body: request, duplex: 'half' }).formData()
  const audio = Buffer.from(await form.get('file').arrayBuffer())
  if (models.length > 0 && !models.includes(form.get('model'))) return answer(404, JSON.stringify({ error: { message: `The model \`${form.get('model')}\` does not exist.` } }))
  if (process.env.GO) writeFileSync(process.env.GO, '')
  const work = (ms) => {
    for (const end = process.cpuUsage().user + ms * 1000; process.cpuUsage().user < end; ) for (let i = 0; i < 1e6; i++) Math.sqrt(i)
  }
  switch (request.url.replace(/\?.*/, '')) {
    case '/hangs':
      return
    case '/fails':
      return answer(500, '{"detail":"CUDA error: out of memory"}\nTraceback')
    case '/busy':
      return answer(503, '{"error":"model is loading"}')
    case '/says-error':
      return answer(200, '{"error":"failed to process audio"}')
    case '/key':
      return answer(401, '{"error":{"message":"You did not provide an API key."}}')
    case '/page':
      return answer(200, '<html>hello</html>')
    case '/away':
      return answer(307, '', { location: 'http://198.51.100.7/v1/audio/transcriptions' })
    case '/dies':
      return process.exit(139)
    case '/long':
      return answer(200, `{"text":"${'x'.repeat(3 << 20)}"}`)
    case '/waits':
      return setTimeout(() => answer(200, JSON.stringify({ text: WORDS })), 300)
    case '/empty':
      work(400)
      return answer(200, '{"text":" "}')
    case '/foreign':
      return answer(200, '{"text":"vier und achtzig Jahre sind vergangen"}')
    case '/child':
      // A program for each request, as a web service around whisper-cli starts it.
      return spawn(process.execPath, ['-e', 'for (const end = process.cpuUsage().user + 500000; process.cpuUsage().user < end; ) for (let i = 0; i < 1e6; i++) Math.sqrt(i)']).once('close', () => answer(200, JSON.stringify({ text: WORDS })))
  }
  if (process.env.ENGINE === 'busy') {
    work(400)
    return answer(200, JSON.stringify({ text: WORDS }))
  }
  const wav = join(folder, `${count++}.wav`)
  writeFileSync(wav, audio)
  execFile('/usr/bin/pocketsphinx_continuous', ['-hmm', `${MODEL}/en-us`, '-lm', `${MODEL}/en-us.lm.bin`, '-dict', `${MODEL}/cmudict-en-us.dict`, '-logfn', '/dev/null', '-infile', wav], (error, text) =>
    error ? answer(500, '{}') : answer(200, JSON.stringify({ text })),
  )
})
server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
process.once('SIGTERM', () => process.exit(0))
