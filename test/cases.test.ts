import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { assess } from '../src/assess.ts'
import { expectationOf } from '../src/expectation.ts'
import { hostOf } from '../src/host/host.ts'
import { recorded, replayed, type Answer } from '../src/host/replay.ts'
import { caseOf, caseText } from '../src/host/case.ts'
import { allChecks } from '../src/load.ts'
import { jsonReport } from '../src/report/json.ts'
import { textReport } from '../src/report/text.ts'
import { columns } from '../src/report/wrap.ts'
import { allCases } from './support/cases.ts'

const schema = JSON.parse(readFileSync(new URL('../schema/check-1.json', import.meta.url), 'utf8'))
const valid = new Ajv2020({ allErrors: true }).compile(schema)
const SNAPSHOTS = fileURLToPath(new URL('./snapshots/', import.meta.url))

describe.each(allCases())('$name', ({ name, machine }) => {
  const log = new Map<string, Answer>()
  const report = assess(hostOf(recorded(replayed(machine.answers), log)), { checks: allChecks(), allowed: new Set(), failOn: 'warning' })

  it('is judged as it expects', async () => {
    expect(machine.expect, 'the case has no expect block').not.toBeNull()
    const otherwise = machine.answers.get('otherwise')
    expect(expectationOf((await report).outcomes, otherwise && 'because' in otherwise ? otherwise.because : null)).toEqual(machine.expect)
  })

  it('answers every question that is put', async () => {
    await report
    const unanswered = [...log].flatMap(([key, answer]) => ('because' in answer && answer.because.startsWith('The case does not hold') ? [key] : []))
    expect(unanswered).toEqual([])
  })

  it('cites only questions that were asked', async () => {
    for (const [id, outcome] of (await report).outcomes) {
      if (outcome.status !== 'found') continue
      for (const { source } of outcome.findings.flatMap(({ evidence }) => evidence)) {
        const asked = [...log.keys()].some((key) => source === key || (source.startsWith(`${key}:`) && /^\d+$/.test(source.slice(key.length + 1))))
        expect(asked, `${id} cites “${source}”, which was not asked`).toBe(true)
      }
    }
  })

  it('keeps the word of `fixes`', async () => {
    for (const check of allChecks()) {
      const outcome = (await report).outcomes.get(check.id)
      if (outcome?.status !== 'found') continue
      for (const { fixes } of outcome.findings) {
        if (check.fixes === 'always') expect(fixes.length, check.id).toBeGreaterThan(0)
        if (check.fixes === 'never') expect(fixes, check.id).toEqual([])
      }
    }
  })

  it('gives JSON that its schema allows', async () => {
    valid(JSON.parse(jsonReport(await report, '0.0.0')))
    expect(valid.errors).toBeNull()
  })

  it('reads as its snapshot, within 80 columns', async () => {
    const text = textReport(await report, { width: 80, colour: false, detail: 'normal' })
    // What is to be copied stays whole: a path wider than the terminal, a line of a file to be changed. Nothing else goes
    // beyond the edge.
    for (const line of text.split('\n')) if (!line.startsWith(' '.repeat(10)) && Math.max(...line.split(' ').map((word) => columns(word))) < 60) expect(columns(line), line).toBeLessThanOrEqual(80)
    const file = `${SNAPSHOTS}${name}.txt`
    if (process.env['UPDATE_SNAPSHOTS']) {
      mkdirSync(SNAPSHOTS, { recursive: true })
      writeFileSync(file, text)
    }
    expect(existsSync(file), 'no snapshot: UPDATE_SNAPSHOTS=1 npm test writes it; read it before you commit it').toBe(true)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })

  it('survives being written again', () => {
    expect(caseOf(caseText(machine)).answers).toEqual(machine.answers)
  })
})

describe('healthy machines', () => {
  const healthy = allCases().filter(({ name }) => name.startsWith('healthy-'))

  it('are at least six', () => expect(healthy.length).toBeGreaterThanOrEqual(6))

  it.each(healthy)('$name: nothing is found, nothing is unknown, exit code 0', async ({ machine }) => {
    const { summary } = await assess(hostOf(replayed(machine.answers)), { checks: allChecks(), allowed: new Set(), failOn: 'info' })
    expect(machine.expect).toEqual([])
    expect(summary).toEqual({ errors: 0, warnings: 0, infos: 0, unknown: 0, crashed: 0, exitCode: 0 })
  })
})
