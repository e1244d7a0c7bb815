import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { call } from '../support/call.ts'

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const compare = (a: string, b: string, ...more: string[]) => call(['compare', `${FIXTURES}${a}.md`, `${FIXTURES}${b}.md`, ...more])

describe('compare', () => {
  it('a case with itself is the same', async () => {
    for (const name of ['incident-0-half-a-cpu-and-no-text', 'cublas-missing-for-onnxruntime', 'healthy-fp32-model']) {
      expect(await compare(name, name), name).toMatchObject({ code: 0, err: '' })
    }
  })

  it('what a finding explains comes first, and where the work is done next', async () => {
    const { code, out } = await compare('int8-nodes-in-a-verbose-log', 'fp32-nodes-in-a-verbose-log', '--json')
    expect(code).toBe(1)
    const { differences } = JSON.parse(out)
    expect(differences.map(({ about }: { about: string }) => about)).toEqual(['ep/int8-on-cuda', 'on the GPU'])
    expect(differences[1]).toMatchObject({ a: 'not known (T4)', b: 'yes (T4)' })
  })

  it('what one side does not show is no difference, and is said', async () => {
    const { code, out } = await compare('incident-0-half-a-cpu-and-no-text', 'incident-0-with-the-model')
    expect(code).toBe(0)
    expect(out).toContain('No difference that can matter at run time was seen, as far as both could be seen.')
    expect(out).toMatch(/Could not be compared\n(.*\n)*  The models of .*incident-0-half-a-cpu-and-no-text\.md: The incident report 0 does not say\./)
  })

  it('models differ by how they are quantised', async () => {
    const { code, out } = await compare('healthy-fp32-model', 'front-end-without-a-kernel')
    expect(code).toBe(1)
    expect(out).toContain('model encoder.onnx\n  A not quantised, 29 nodes\n  B not there')
  })

  it.each([[['compare', 'nothing.md', 'shell'], /no such file/], [['compare', `${FIXTURES}incidents/0.txt`, 'shell'], /not a case/], [['compare', 'shell'], /missing required argument/]])('%j is a wrong call', async (args, words) => {
    const { code, err } = await call(args)
    expect(code).toBe(2)
    expect(err).toMatch(words)
  })
})
