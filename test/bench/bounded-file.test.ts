import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { boundedFile } from '../../src/bench/bounded-file.ts'
import { urlEngine } from '../../src/bench/engines/url.ts'
import { buildTool, type Tool } from './tool.ts'
import { NODE } from '../support/box.ts'

let folder = ''
let tool: Tool
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'asr-doctor-test-'))
  tool = await buildTool()
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  tool.remove()
})

/** A file that claims a size and takes no room. */
function sparse(name: string, bytes: number): string {
  const path = join(folder, name)
  writeFileSync(path, '')
  truncateSync(path, bytes)
  return path
}

it('a file is read whole up to the limit, and a device without end not at all', () => {
  writeFileSync(join(folder, 'text'), 'four score and seven')
  expect(boundedFile(join(folder, 'text'), 20)).toEqual(Buffer.from('four score and seven'))
  expect(boundedFile(join(folder, 'text'), 19)).toBe('too large')
  expect(boundedFile('/dev/zero', 1 << 20)).toBe('too large')
})
it.each([['--reference', ['--audio', 'x.wav', '--command', 'cat {audio}']], ['--baseline', []]] as const)('%s that is far too large is a wrong call', (option, more) => {
  const { code, stderr } = tool.run([...more, option, sparse('huge', 20 * 2 ** 30)])
  expect(stderr).toBe(`${option} ${join(folder, 'huge')} has more than 16 MiB, so it is not what belongs there.\n`)
  expect(code).toBe(2)
})
it('--reference from a pipe, as a shell makes it of <(…)', () => {
  const said = execFileSync('bash', ['-c', `"${NODE}" "${tool.main}" bench --audio /nowhere.wav --command 'cat {audio}' --reference <(echo four score) 2>&1; echo "exit $?"`], { encoding: 'utf8' })
  expect(said).toContain('There is no file /nowhere.wav.')
  expect(said).toContain('exit 4')
})
it('--url: a recording that no server takes is not read into memory', () => {
  expect(() => urlEngine(new URL('http://127.0.0.1:9/'), 'x', sparse('long.mp3', 20 * 2 ** 30), new AbortController().signal)).toThrow(/has more than 256 MiB/)
})
