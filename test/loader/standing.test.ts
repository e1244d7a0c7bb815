/** A recorded service whose LD_LIBRARY_PATH has an element that looks like a variable: whether it is one, its folder says. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import unsafe from '../../checks/cuda/library-path-unsafe.ts'
import { carriedOn, searchPath } from '../../src/facts/loader.ts'
import { gatherer } from '../../src/gather.ts'
import { caseOf } from '../../src/host/case.ts'
import { hostOf } from '../../src/host/host.ts'
import { replayed } from '../../src/host/replay.ts'
import { diagnoseCase } from '../support/diagnose.ts'

const RECORDED = readFileSync(fileURLToPath(new URL('../../fixtures/library-path-unsafe.md', import.meta.url)), 'utf8')
const DIRECTORY = '```json\n{"type":"directory","mode":493,"uid":0,"gid":0,"sizeBytes":4096,"mtimeMs":0,"device":null}\n```'

/** The same service with this element, and what its machine says of it; null = it was not asked. Its processes are those of the recording. */
const machineWith = (element: string, answer: string | null) =>
  caseOf(`${RECORDED.replaceAll('\\$LD_LIBRARY_PATH:', element).replaceAll('$LD_LIBRARY_PATH:', element)}${answer === null ? '' : `\n## stat ${element}\n\n${answer}\n`}`)

const ofCheck = async (element: string, answer: string | null) => {
  const { outcomes } = await diagnoseCase(machineWith(element, answer), [unsafe])
  const outcome = outcomes.get('cuda/library-path-unsafe')!
  return outcome.status === 'found' ? outcome.findings.map(({ cause, confidence, fixes }) => ({ cause, confidence, safety: fixes![0]!.safety })) : outcome.status
}
const keptOf = async (element: string, answer: string | null) => carriedOn(await gatherer(hostOf(replayed(machineWith(element, answer).answers)))(searchPath))
const OTHERS = ['/opt/parts/cuda', '/opt/parts/cudnn', '/opt/parts/driver']

it.each(['/c%d', '/c$d', '/c*'])('%s that exists is meant as it stands', async (element) => {
  expect(await ofCheck(element, DIRECTORY)).toBe('passed')
  expect(await keptOf(element, DIRECTORY)).toEqual([...OTHERS, element])
})

it('/c%d that does not exist is taken out', async () => {
  expect(await ofCheck('/c%d', 'absent')).toEqual([{ cause: 'In LD_LIBRARY_PATH “/c%d” is a directory of that very name, not a variable\'s value.', confidence: 'certain', safety: 'safe' }])
  expect(await keptOf('/c%d', 'absent')).toEqual(OTHERS)
})

it('/c%d of which nothing is known is not taken out safely, and carried on by whoever adds to the variable', async () => {
  expect(await ofCheck('/c%d', null)).toMatchObject([{ cause: expect.stringContaining('Whether “/c%d” exists cannot be known here: '), confidence: 'possible', safety: 'risky' }])
  expect(await keptOf('/c%d', null)).toEqual([...OTHERS, '/c%d'])
})
