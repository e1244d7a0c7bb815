import { readFile, stat } from 'node:fs/promises'
import { compared, sideOf, type Comparison, type Side } from '../compare.ts'
import { caseOf, NotACase } from '../host/case.ts'
import { hostOf } from '../host/host.ts'
import { replayed } from '../host/replay.ts'
import type { Io } from '../io.ts'
import { allChecks } from '../load.ts'
import { clean, cleaned } from '../report/clean.ts'
import { soberJson } from '../sober.ts'
import { WrongCall } from '../wrong-call.ts'
import { machineOf } from './machine.ts'

export interface CompareOptions {
  readonly json?: boolean
  readonly timeout: string
}

const MAX_CASE_BYTES = 64 * 1024 * 1024

/** The `compare` command: 0 = no difference was seen, 1 = there are differences. */
export async function compare(a: string, b: string, options: CompareOptions, io: Io): Promise<number> {
  const [left, right] = [await side(a, options, io), await side(b, options, io)]
  const result = compared(left, right)
  io.stdout.write(options.json ? `${soberJson(cleaned({ schemaVersion: 1, a: left.name, b: right.name, ...result }))}\n` : text(left, right, result))
  return result.differences.length > 0 ? 1 : 0
}

/** A recorded case by its file, or a target of this machine: `unit:NAME`, `user:NAME`, `pid:N`, `shell`. */
async function side(word: string, { timeout }: CompareOptions, io: Io): Promise<Side> {
  const [, kind, name] = /^(unit|user|pid):(.+)$/.exec(word) ?? []
  if (kind !== undefined || word === 'shell') {
    const asked = kind === 'pid' ? { pid: name! } : kind === undefined ? {} : { unit: name!, ...(kind === 'user' ? { user: true } : { system: true }) }
    const { ask } = await machineOf({ ...asked, timeout }, io.cwd, (each) => each)
    return sideOf(word, hostOf(ask), allChecks())
  }
  const size = await stat(word).then((s) => (s.isFile() ? s.size : -1), () => null)
  if (size === null) throw new WrongCall(`${word}: there is no such file. Name a recorded case, unit:NAME, user:NAME, pid:N or shell.`)
  if (size < 0 || size > MAX_CASE_BYTES) throw new WrongCall(`${word}: that is no case file.`)
  try {
    return await sideOf(word, hostOf(replayed(caseOf(await readFile(word, 'utf8')).answers)), allChecks())
  } catch (error) {
    if (error instanceof NotACase) throw new WrongCall(`${word} is not a case: ${error.message}. asr-doctor record --output FILE makes one.`)
    throw error
  }
}

function text(a: Side, b: Side, { differences, unseen }: Comparison): string {
  const lines = differences.flatMap(({ about, a: left, b: right, because }) => [clean(about), `  A ${clean(left ?? 'not there')}`, `  B ${clean(right ?? 'not there')}`, ...(because ? [`    ${because}`] : [])])
  const head = `A ${clean(a.name)}\nB ${clean(b.name)}`
  const body = differences.length === 0 ? `No difference that can matter at run time was seen${unseen.length > 0 ? ', as far as both could be seen' : ''}.` : lines.join('\n')
  return `${[head, body, ...(unseen.length > 0 ? [`Could not be compared\n${unseen.map((line) => `  ${clean(line)}`).join('\n')}`] : [])].join('\n\n')}\n`
}
