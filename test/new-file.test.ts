/** What --output leaves in its folder. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeNew } from '../src/new-file.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'asr-doctor-new-'))))
afterEach(() => rmSync(folder, { recursive: true }))

it('a file of somebody that is named as ours might be stays, and is not in the way', async () => {
  const theirs = `.out.patch.${process.pid}.part`
  writeFileSync(join(folder, theirs), 'precious')
  await writeNew(join(folder, 'out.patch'), 'whole', '--output')
  expect(readdirSync(folder).sort()).toEqual([theirs, 'out.patch'])
  expect(readFileSync(join(folder, theirs), 'utf8')).toBe('precious')
  expect(readFileSync(join(folder, 'out.patch'), 'utf8')).toBe('whole')
})

it('a file that exists stays, and nothing else is left', async () => {
  writeFileSync(join(folder, 'out.patch'), 'precious')
  await expect(writeNew(join(folder, 'out.patch'), 'whole', '--output')).rejects.toThrow('that file exists and is left as it is')
  expect(readdirSync(folder)).toEqual(['out.patch'])
  expect(readFileSync(join(folder, 'out.patch'), 'utf8')).toBe('precious')
})
