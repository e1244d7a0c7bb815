import { expect, it } from 'vitest'
import { commandEngine } from '../../src/bench/engines/command.ts'
import { MOST_TEXT, textKeeper } from '../../src/bench/kept-texts.ts'
import type { Run } from '../../src/bench/messages.ts'

const ran = (text: string | null): Run => ({ wallMs: 1, cpuMs: 1, phases: [], text })
const ofCommand = async (...words: readonly string[]): Promise<Run> => {
  const instance = await commandEngine(words, '', new AbortController().signal).open()
  try {
    return await instance.run()
  } finally {
    instance.stop()
  }
}

it('a text that is too long for one is not taken', () => {
  const keep = textKeeper()
  expect(keep(ran('a'.repeat(MOST_TEXT))).text).toHaveLength(MOST_TEXT)
  expect(() => keep(ran('a'.repeat(MOST_TEXT + 1)))).toThrow('A run gave more than 1 MiB of text, which is no transcript.')
  expect(keep(ran(null)).text).toBeNull()
})

it('different texts are kept up to 64 MiB, and the same one any number of times', () => {
  const keep = textKeeper()
  for (let i = 0; i < 64; i++) keep(ran(String.fromCharCode(97 + i).repeat(MOST_TEXT)))
  for (let i = 0; i < 1000; i++) keep(ran('a'.repeat(MOST_TEXT)))
  expect(() => keep(ran('one more'))).toThrow('The runs gave 65 different texts, 64 MiB together, which is more than is kept.')
})

it('--command: what never ends is stopped early', async () => {
  await expect(ofCommand('yes', 'word')).rejects.toThrow('yes printed more than 1 MiB of text, which is no transcript, and was stopped.')
})

it('--command: a letter that comes in two pieces is one letter', async () => {
  expect((await ofCommand('sh', '-c', "printf '\\303'; sleep 0.2; printf '\\244'")).text).toBe('ä')
})
