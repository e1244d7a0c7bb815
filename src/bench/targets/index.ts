import type { Io } from '../../io.ts'
import type { Prepared } from '../audio/prepare.ts'
import type { BenchOptions } from '../command.ts'
import type { Subject } from '../subject.ts'
import { commandTarget } from './command.ts'
import { onnxruntimeNodeTarget } from './onnxruntime-node.ts'
import { pythonModelTarget } from './python-model.ts'
import { pythonTarget } from './python.ts'
import { urlTarget } from './url.ts'

/** What the options name as the thing to measure. */
export function subjectOf(options: BenchOptions, io: Io, audio: Prepared, signal: AbortSignal): Subject | Promise<Subject> {
  const runs = options.runs ?? null
  if (options.command !== undefined) return commandTarget(options.command, audio, runs, signal)
  if (options.url !== undefined) return urlTarget(options.url, options, audio, signal)
  if (options.python !== undefined && options.model !== undefined) return pythonModelTarget(options.python, options.model, options, io.cwd, audio, signal)
  if (options.python !== undefined) return pythonTarget(options.python, options, audio, signal)
  return onnxruntimeNodeTarget(options, io, audio, signal)
}

/** Whether it writes down what it hears, so that text can be judged. The built-in networks have random weights. */
export const speaks = ({ command, url, model }: BenchOptions): boolean => command !== undefined || url !== undefined || model !== undefined
