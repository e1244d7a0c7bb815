import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readmeTable } from '../src/docs.ts'
import { allChecks } from '../src/load.ts'
import { HYPOTHESES } from '../src/verdict/hypotheses.ts'
import { allCases } from './support/cases.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const checks = allChecks()

/** What no box of this machine can have, seen in recordings that hold only the questions of its family. */
const ELSEWHERE: Readonly<Record<string, string>> = { 'audio/alsa-hidden': 'test/audio/alsa.test.ts' }

describe('the built-in checks', () => {
  it('are each in the file that their id names, and every file is built in', () => {
    const files = readdirSync(`${ROOT}checks`, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^[a-z0-9-]+\/[a-z0-9-]+\.ts$/.test(file) && !file.endsWith('/index.ts'))
      .map((file) => file.replace(/\.ts$/, ''))
      // A file without a default export of a check is a helper of its family.
      .filter((file) => /export default defineCheck\(/.test(readFileSync(`${ROOT}checks/${file}.ts`, 'utf8')))
    expect([...checks.map(({ id }) => id)].sort()).toEqual(files.sort())
  })

  it('have no id twice', () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length)
  })

  it.each(checks.map((check) => [check.id, check] as const))('%s says in whole sentences what, why and what to do', (id, { title, docs }) => {
    expect(id).toMatch(/^[a-z]+\/[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(id).not.toMatch(/\/(no|check|is)-/)
    expect(title).toMatch(/^[^!]+[^.!]$/)
    for (const text of [docs.what, docs.why, docs.remedy]) {
      expect(text).toMatch(/^[A-Za-z`“].*[.”]$/s)
      expect(text).not.toContain('!')
    }
    for (const link of docs.links) expect(link).toMatch(/^(https:\/\/|man:)\S+/)
  })

  it('stand in the README, in step', () => {
    expect(existsSync(`${ROOT}README.md`)).toBe(true)
    expect(readFileSync(`${ROOT}README.md`, 'utf8')).toContain(readmeTable(checks))
  })

  it.each(checks.map(({ id }) => id))('%s is seen to speak and to be silent in recorded cases', (id) => {
    const expectations = allCases().map(({ machine }) => machine.expect ?? [])
    const elsewhere = ELSEWHERE[id]
    if (elsewhere !== undefined) expect(readFileSync(`${ROOT}${elsewhere}`, 'utf8')).toMatch(new RegExp(`'${id}'?: 'found'`))
    else expect(expectations.some((lines) => lines.some((line) => line.endsWith(` ${id}`) && !line.startsWith('unknown')))).toBe(true)
    expect(expectations.some((lines) => !lines.some((line) => line.endsWith(` ${id}`)))).toBe(true)
  })
})

describe('the causes that compete', () => {
  it('are confirmed, hinted at and refuted by checks that exist', () => {
    const ids = new Set<string>(checks.map(({ id }) => id))
    expect(HYPOTHESES.flatMap(({ id, foundBy = [], hintedBy = [], refutedBy }) => [...foundBy, ...hintedBy, ...(refutedBy === undefined ? [] : [refutedBy.check])].filter((each) => !ids.has(each)).map((each) => `${id}: ${each}`))).toEqual([])
  })
})
