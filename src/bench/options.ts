import { isAbsolute, join } from 'node:path'
import { WrongCall } from '../wrong-call.ts'
import { parseBaseline } from './baseline.ts'
import { boundedFile } from './bounded-file.ts'
import type { BenchOptions } from './command.ts'
import { isProvider, PROVIDERS } from './providers.ts'
import { speaks } from './targets/index.ts'
import type { Result } from './types.ts'

/** What the options bring along, read before anything is started. */
export interface Before {
  /** The kept measurement to compare with. */
  readonly result: Result | null
  readonly reference: string | null
}

/** Everything that can be wrong with the call by itself. */
export function checkOptions(options: BenchOptions, cwd: string): Before {
  const wrong = wrongIn(options)
  if (wrong !== null) throw new WrongCall(wrong)
  const reference = options.reference === undefined ? null : readText('--reference', options.reference, cwd)
  if (options.baseline === undefined) return { result: null, reference }
  const parsed = parseBaseline(readText('--baseline', options.baseline, cwd))
  if (typeof parsed === 'string') throw new WrongCall(`--baseline ${options.baseline} ${parsed}.`)
  return { result: parsed, reference }
}

function wrongIn(options: BenchOptions): string | null {
  const unknown = options.provider.find((name) => !isProvider(name))
  if (unknown !== undefined) return `--provider ${unknown}: no execution provider of ONNX Runtime is called so; there are ${PROVIDERS.join(', ')}.`
  if (options.maxRegression !== undefined && options.baseline === undefined) return '--max-regression goes with --baseline FILE.'
  if (options.crossMachine && options.baseline === undefined) return '--cross-machine goes with --baseline FILE.'
  const kept = options.baseline === undefined ? (options.saveBaseline === undefined ? null : '--save-baseline') : '--baseline'
  if (kept !== null && options.url !== undefined) return `${kept} does not go with --url: a server may run anywhere, so no yardstick can be measured beside its runs, and without one a slow hour looks like a slow server. --max-rtf and --min-rtfx set it a limit.`
  if ((options.user || options.system) && options.unit === undefined) return `--${options.user ? 'user' : 'system'} goes with --unit NAME.`
  if (options.user && options.system) return '--user and --system exclude each other; name one.'
  const ofService = options.vary?.find((name) => name === 'env' || name === 'quota' || name === 'memory')
  if (ofService !== undefined && options.unit === undefined) return `--vary ${ofService} goes with --unit NAME: it is the service's ${ofService} that is changed.`
  if (options.vary !== undefined && options.url !== undefined) return '--vary does not go with --url: the server runs where it runs.'
  if (options.engine !== undefined && (options.python === undefined || options.model === undefined)) return '--engine goes with --python and --model.'
  if (options.concurrency !== undefined && options.url === undefined) return '--concurrency goes with --url: everything else runs one recording at a time.'
  if (options.urlModel !== undefined && options.url === undefined) return '--url-model goes with --url.'
  if (options.maxWer !== undefined && !speaks(options)) return '--max-wer needs a recogniser that writes text, given with --model, --command or --url; the built-in networks have random weights and understand nothing.'
  if (options.maxWer !== undefined && options.audio !== undefined && options.reference === undefined) return '--max-wer needs to know what is said in --audio: give the text with --reference FILE.'
  if (options.reference !== undefined && !speaks(options)) return '--reference goes with --model, --command or --url: the built-in networks make no text that could be compared.'
  if (options.reference !== undefined && options.audio === undefined) return '--reference goes with --audio: the text of the built-in clip is known.'
  return null
}

/** An hour of speech is 60 kB of text, and a kept measurement less than 1 MB. */
const MAX_TEXT = 16 << 20

function readText(option: string, path: string, cwd: string): string {
  let bytes
  try {
    bytes = boundedFile(absolute(path, cwd), MAX_TEXT)
  } catch (error) {
    throw new WrongCall(`${option} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  if (bytes === 'too large') throw new WrongCall(`${option} ${path} has more than ${MAX_TEXT >> 20} MiB, so it is not what belongs there.`)
  return bytes.toString('utf8')
}

export const absolute = (path: string, cwd: string) => (isAbsolute(path) ? path : join(cwd, path))
