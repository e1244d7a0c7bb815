import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { clipWav } from '../../src/bench/audio/clip.ts'
import { knownOf, unlike } from '../../src/bench/baseline.ts'
import type { Result } from '../../src/bench/types.ts'
import { NODE } from '../support/box.ts'
import { buildTool, type Tool } from './tool.ts'

const KEY = 'hf_abcdefghijklmnopqrstuv'
const SECRET = /hf_abc|S3cr3t99|opensesame|sk-abc|plainA1b2/

let tool: Tool
let server: Server
let folder = ''
let port = 0
beforeAll(async () => {
  tool = await buildTool()
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  writeFileSync(join(folder, 'short.wav'), clipWav().subarray(0, 44 + 2 * 16000 * 6))
  server = createServer((request, response) => {
    request.resume()
    if (request.url!.startsWith('/away')) return response.writeHead(302, { location: 'http://127.0.0.1:9/?token=plainA1b2' }).end()
    // The key begins where only a part of it would still be quoted.
    response.writeHead(401).end(`${'wrong key '.repeat(19)}sk-abcdefghijklmnopqrstuvwxyz`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
}, 60_000)
afterAll(() => {
  tool.remove()
  server.close()
  rmSync(folder, { recursive: true })
})

it('a command and what it heard hold no secrets where they are shown and kept, and the same command is the same again', () => {
  const args = ['--runs', '2', '--audio', join(folder, 'short.wav'), '--command', `/bin/echo heard ${KEY} --api-key S3cr3t99 {audio} http://u:opensesame@h/`]
  const json = tool.run(['--json', '--save-baseline', join(folder, 'base.json'), ...args])
  expect(json.stdout).toContain('--api-key <secret> {audio} http://u:<secret>@h/')
  expect(json.stdout).toContain('heard <secret>')
  const kept = readFileSync(join(folder, 'base.json'), 'utf8')
  for (const text of [json.stdout, json.stderr, kept, tool.run(args).stdout]) expect(text).not.toMatch(SECRET)
  const result = JSON.parse(kept) as Result
  expect(unlike(knownOf({ ...result, workload: args.at(-1)! }), knownOf(result))).toBeNull()
}, 60_000)

it.each([['an answer', '', '/fail'], ['an address with a password', 'u:opensesame@', '/fail'], ['a parameter', '', '/fail?api_key=plainA1b2'], ['a redirect', '', '/away']])('a failure does not quote the secret of %s', async (_, user, path) => {
  for (const json of [[], ['--json']]) {
    // Not spawnSync: the server is in this very process.
    const said = await new Promise<string>((resolve) => execFile(NODE, [tool.main, 'bench', ...json, '--runs', '1', '--audio', join(folder, 'short.wav'), '--url', `http://${user}127.0.0.1:${port}${path}`], (_error, stdout, stderr) => resolve(stdout + stderr)))
    expect(said).toMatch(/could not measure|cannot be constructed|redirect|401/)
    expect(said).not.toMatch(SECRET)
    expect(said).not.toContain('sk-')
  }
}, 60_000)
