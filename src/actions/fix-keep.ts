import { resolve } from 'node:path'
import { mergedChanges } from '../fix/draft.ts'
import { codeOf } from '../fix/exit-code.ts'
import { holdsSecrets } from '../fix/discreet.ts'
import { formats, type Format } from '../fix/formats.ts'
import { Refused } from '../fix/refused.ts'
import { fixJson } from '../fix/report.ts'
import { writeNew } from '../new-file.ts'
import { WrongCall } from '../wrong-call.ts'
import { sayBeside, type Work } from './fix-work.ts'

const HOW: Readonly<Partial<Record<Format, (file: string) => string>>> = {
  patch: (file) => ` patch -p1 -d / < ${file} makes the change.`,
  sh: (file) => ` sh ${file} makes the change; with --restart behind it, it takes effect as well.`,
}

/** The same change for whoever manages the machine: into a file, or printed. What is risky is in it only where it was named, as where we write ourselves. */
export async function keep(work: Work): Promise<number> {
  const { options, io, judging, offer, steps, told } = work
  const format = options.format ?? 'patch'
  const all = mergedChanges([...offer.main.rows, ...(format === 'patch' || format === 'sh' ? offer.shown.filter(({ meant }) => meant) : [])].flatMap(({ changes }) => changes))
  if (all.length === 0) {
    io.stderr.write(`asr-doctor: there is nothing to keep${work.beside.length > 0 ? '' : '; no change is offered'}.\n`)
    sayBeside(work)
    if (options.json) io.stdout.write(fixJson(told([], null)))
    return codeOf(judging.before, offer, offer.leftOut.length > 0 || offer.shown.length > 0, null)
  }
  let text
  try {
    text = formats[format]({ changes: all, steps })
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    throw new WrongCall(`--format ${format}: ${error.message}`)
  }
  const secret = holdsSecrets(text)
  // What is exact cannot be discreet; a terminal is looked at, and remembers.
  if (secret && options.output === undefined && io.stdout.isTTY) throw new WrongCall(`--format ${format}: it holds values of the files that look secret, so it is not printed on a terminal. Keep it with --output FILE, which only you can read.`)
  if (options.output === undefined) io.stdout.write(text)
  else {
    await writeNew(resolve(io.cwd, options.output), text, '--output')
    if (options.json) io.stdout.write(fixJson(told([], null)))
    io.stderr.write(`Kept: ${options.output}.${HOW[format]?.(options.output) ?? ''}\n`)
  }
  if (secret) io.stderr.write(`It holds values of the files that look secret, to the letter${options.output === undefined ? '' : '; only you can read it'}.\n`)
  sayBeside(work)
  return 1
}
