import { buildGraph } from '../onnx/graph.ts'
import type { Built } from './fastconformer.ts'
import { layers, SEED } from './weights.ts'

/** One step of a transducer's prediction network and joint, in the shape NeMo exports: LSTM 640, 1024 word pieces and the blank. */
export const VOCABULARY = 1024
export const BLANK = VOCABULARY
export const STATE = 640
const JOINT = 640

export function transducerStep(encoderWidth: number, seed = SEED): Built {
  const g = buildGraph('decoder_joint')
  const { linear, weight, bias } = layers(g, seed ^ 0x7e57)
  const frame = g.input('frame', 'float', [1, encoderWidth])
  const token = g.input('token', 'int64', [1, 1])
  const h = g.input('h', 'float', [1, 1, STATE])
  const c = g.input('c', 'float', [1, 1, STATE])
  const embedded = g.op('Gather', [weight([VOCABULARY + 1, STATE], 1), token])
  const lstm = [weight([1, 4 * STATE, STATE], STATE), weight([1, 4 * STATE, STATE], STATE), g.op('Unsqueeze', [bias(8 * STATE), g.ints([0])])]
  const [y, hNext, cNext] = g.ops('LSTM', [embedded, ...lstm, '', h, c], 3, { hidden_size: STATE })
  const predicted = g.op('Reshape', [y!, g.ints([1, STATE])])
  const joint = g.op('Relu', [g.op('Add', [linear(frame, encoderWidth, JOINT), linear(predicted, STATE, JOINT)])])
  g.output('logits', linear(joint, JOINT, VOCABULARY + 1), 'float', [1, VOCABULARY + 1])
  g.output('h_next', hNext!, 'float', [1, 1, STATE])
  g.output('c_next', cNext!, 'float', [1, 1, STATE])
  return { bytes: g.build(), parameters: g.parameters }
}
