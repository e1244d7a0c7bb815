import { certainlyUsed, type ModelUse } from '../../src/facts/model-files.ts'
import type { OnnxModel } from '../../src/onnx/types.ts'
import { foretold, meantForCuda, type Placed } from '../../src/verdict/signs.ts'
import type { Session } from '../../src/facts/session.ts'
import type { Immutable, Target, Verdict } from '../../src/index.ts'

export interface Judged extends Pick<Placed, 'forecast' | 'quantisation' | 'exact'> {
  readonly use: Immutable<ModelUse>
  /** It is the one that is loaded, as far as anything shows that. */
  readonly certain: boolean
  /** Someone asks about it, or the target asks for the GPU by name, or has it at work. */
  readonly meant: boolean
}

/** Every ONNX model that was read, with what is foretold of it for the release in use. */
export const judgedModels = (models: Immutable<readonly ModelUse[]>, session: Immutable<Session>): readonly Judged[] =>
  models.flatMap((use) => (use.file.known && use.file.value.format === 'onnx' ? [{ use, certain: certainlyUsed(use, models), meant: meantForCuda(session as Session, { given: use.how === 'given' }), ...foretold(use.file.value as OnnxModel, session.onnxRuntime) }] : []))

/** Why the models cannot be judged for CUDA; null = they can. */
export function notForCuda(target: Immutable<Target>, session: Immutable<Session>, models: Immutable<readonly ModelUse[]>): Verdict | null {
  const given = models.some(({ how }) => how === 'given')
  if (!given && target.kind !== 'unit' && target.kind !== 'pid') return { status: 'not-applicable', because: 'No model was named: give one with --model FILE.' }
  if (!given && session.asks?.asks === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
  if (models.length === 0) {
    if (!session.usesOnnx) return { status: 'not-applicable', because: 'No ONNX Runtime is seen in it.' }
    return { status: 'not-applicable', because: 'Nothing shows which model files it loads; name one with --model FILE.' }
  }
  if (!models.some(({ file }) => file.known && file.value.format === 'onnx')) {
    const blind = models.find(({ file }) => !file.known)?.file
    if (blind !== undefined && !blind.known) return { status: 'unknown', because: blind.because, how: blind.how }
    return { status: 'not-applicable', because: 'None of its models is an ONNX model.' }
  }
  return null
}
