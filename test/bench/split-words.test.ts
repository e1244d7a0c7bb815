import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { splitWords } from '../../src/bench/split-words.ts'

const SAME = [
  `a b  c`, `a 'b c' d`, `a "b c" d`, `a\\ b`, `'a'"b"c`, `""`, `a '' b`, `"a\\"b"`, `"a\\\\b"`, `'a\\b'`, `"a\\nb"`, `a\\"b`, `  a  `, `a\tb`, `"it's" 'say "x"'`, `--x='y z'`, `é "ü ß"`,
]

it.each(SAME)('%s is split as a POSIX shell splits it', (line) => {
  const shell = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
  expect(splitWords(line)).toEqual(shell.split('\0').slice(0, -1))
})
it('and nothing else of a shell is done', () => {
  expect(splitWords('echo $HOME `id` *.wav; rm | x > y & #z')).toEqual(['echo', '$HOME', '`id`', '*.wav;', 'rm', '|', 'x', '>', 'y', '&', '#z'])
})
it.each([`a "b`, `a 'b`, `'`, `"\\"`])('%s is not closed', (line) => {
  expect(splitWords(line)).toBeNull()
})
it('a backslash at the end stays', () => {
  expect(splitWords('a\\')).toEqual(['a\\'])
})
