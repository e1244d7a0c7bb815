import { CannotSee, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Host, Json } from '../types.ts'
import type { Interpreter } from './python-interpreter.ts'

/** Stands before and behind the answer: start-up code of a site may print whatever it likes around it. */
const BEGIN = '=====asr-doctor>'
const END = '<asr-doctor====='

const LIMIT_MS = 6000

/**
 * The first lines of every script that is put to an interpreter; they run on Python 2.7 and from 3.6 on. A program read
 * from standard input has the current folder ('') first on sys.path, which a script does not: that is taken out before
 * anything is imported, and `service_path` puts the service's own script folder there afterwards, unless -I, -P or
 * PYTHONSAFEPATH forbid it to both.
 */
export const PROLOGUE = `
import sys
bare = not (sys.path and sys.path[0] == '') or bool(getattr(sys.flags, 'safe_path', False))
if not bare:
    del sys.path[0]
import json, os
def text(path):
    return path.decode('utf-8', 'replace') if isinstance(path, bytes) else os.fsencode(path).decode('utf-8', 'replace')
def service_path(folder):
    if folder and not bare:
        sys.path.insert(0, folder)
def answer(value):
    data = ('\\n${BEGIN}' + json.dumps(value) + '${END}\\n').encode('ascii')
    while data:
        data = data[os.write(1, data):]
`

/** Puts a script to the interpreter in the service's place: never with -I, and -B because nothing may be written. */
export async function askPython(host: Host, of: Interpreter, name: string, script: string, args: readonly string[], limitMs = LIMIT_MS): Promise<{ readonly value: Json; readonly source: string }> {
  const words = ['-B', ...of.flags, '-', ...args]
  // A start-up that hangs must leave time for the questions that follow from the answer.
  const options = { as: of.as, input: { name, text: script }, limitMs }
  const asked = await known(host.run(of.executable, words, options))
  if (!asked.known) throw new CannotSee(asked.because, /no answer within/.test(asked.because) ? `Try ${of.executable} -X importtime -c pass as the user of the service: start-up code in its site directories may hang.` : asked.how)
  const output = asked.value
  if (output === null) throw new CannotSee(`The interpreter ${of.executable} is not to be found where the service runs.`)
  const from = output.stdout.lastIndexOf(BEGIN)
  const to = output.stdout.indexOf(END, from)
  if (from < 0 || to < 0) {
    const lines = output.stderr.split('\n').map((line) => line.trim()).filter(Boolean)
    const said = lines.findLast((line) => /Error|Fatal/.test(line)) ?? lines.at(-1) ?? (output.signal ? `ended by ${output.signal}` : `ended with code ${output.code} and no answer`)
    throw new CannotSee(`${of.executable} could not be asked what it sees: ${said.slice(0, 300).replace(/\.?$/, '.')}`, 'Start the same interpreter by hand as the user of the service.')
  }
  return { value: jsonOf(output.stdout.slice(from + BEGIN.length, to)), source: question.run(of.executable, words, options) }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
