import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { caseOf, type Case } from '../../src/host/case.ts'

const FOLDER = fileURLToPath(new URL('../../fixtures/', import.meta.url))

/** Every recorded machine in fixtures/. */
export const allCases = (): readonly { readonly name: string; readonly machine: Case }[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith('.md') && file !== 'README.md')
    .sort()
    .map((file) => ({ name: file.slice(0, -'.md'.length), machine: caseOf(readFileSync(`${FOLDER}${file}`, 'utf8')) }))
