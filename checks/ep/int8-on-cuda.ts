import { basename } from '../../src/paths.ts'
import { defineCheck, type Finding, type Refutation } from '../../src/index.ts'
import { modelFiles } from '../../src/facts/model-files.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { opsInWords, seenIn, type Seen } from '../../src/verdict/signs.ts'
import { withoutGpuPart } from '../../src/verdict/standing.ts'
import { asEvidence } from './subject.ts'
import { judgedModels, notForCuda, type Judged } from './models.ts'

export default defineCheck({
  id: 'ep/int8-on-cuda',
  title: 'A quantised model is meant for CUDA, which has no kernels for its operators',
  docs: {
    what: 'Reads the operators of the model file and the element types they work on, and compares them with the kernels that ONNX Runtime publishes for its CUDA provider, release by release.',
    why: 'Dynamic quantisation and QOperator models are built of ConvInteger, MatMulInteger on uint8, DynamicQuantizeLinear and QLinear operators. CUDA has no kernel for them, so each runs on the CPU with copies before and behind it, while the provider is loaded and memory of the GPU is in use. QDQ models and weights of 4 bits are not concerned.',
    remedy: 'Use the fp16 or fp32 model on the GPU, and the int8 model on the CPU only.',
    links: ['https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md', 'https://github.com/microsoft/onnxruntime/issues/10267'],
  },
  fixes: 'always',
  needs: { target, session, modelFiles },
  run: ({ target, session, modelFiles: models }) => {
    // ONNX Runtime itself, in its verbose log, is a better witness than any forecast.
    const said = seenIn(session as Session, ({ id }) => id === 'ort-int8-kernel-missing')
    const foreign = notForCuda(target, session, models)
    if (foreign !== null) return said.length > 0 ? [bySession(session as Session, said)] : foreign
    const refuted = refutations(session as Session)
    return judgedModels(models, session)
      .filter(({ meant, forecast, quantisation }) => meant && forecast.cpuNodes > 0 && (quantisation === 'dynamic' || quantisation === 'qoperator'))
      .map((judged) => finding(judged, refuted, withoutGpuPart(session as Session)))
  },
})

function finding({ use, certain, forecast, exact, quantisation }: Judged, refuted: readonly Refutation[], idle: boolean): Finding {
  const kind = quantisation === 'dynamic' ? 'quantised dynamically' : 'quantised with QOperator'
  const lies = !certain
  // Of one that may never be loaded nothing more is known than what it would do.
  const would = idle || lies
  const doubt = lies ? `; it lies ${use.how === 'folder' ? 'in a folder that the service names' : 'beside the plain one, which is named as well'}, and whether it is the one that is loaded is not known` : ''
  return {
    severity: lies ? 'info' : idle || use.how === 'given' ? 'warning' : 'error',
    confidence: lies ? 'possible' : exact ? 'certain' : 'likely',
    cause: `${use.path} is ${kind}: ${forecast.cpuNodes} of its ${forecast.nodes} nodes have no CUDA kernel in ONNX Runtime ${forecast.release} and ${would ? 'would stay' : 'run'} on the CPU, with at least ${forecast.copies} copies between CPU and GPU in every run${idle ? ', once CUDA is at work' : ''}${doubt}.`,
    evidence: [{ source: use.asked, saw: opsInWords(forecast) }],
    ...(refuted.length > 0 ? { refuted } : {}),
    fixes: [
      {
        title: use.twin === null ? 'Use the fp16 or fp32 model on the GPU' : `Use ${basename(use.twin)}, which lies beside it`,
        safety: 'manual',
        edits: [],
        then: [use.twin === null ? 'Fetch or export the model without quantisation, and name it in place of this one.' : `Name ${use.twin} in place of ${use.path}.`, 'Restart the service and measure again: asr-doctor bench'],
      },
    ],
  }
}

function bySession({ logs }: Session, said: readonly Seen[]): Finding {
  const count = logs.reduce((sum, { reading }) => sum + (reading.counts['ort-int8-kernel-missing'] ?? 0), 0)
  const ops = [...new Set(said.flatMap(({ hit }) => /Op type: (\w+)/.exec(hit.text)?.[1] ?? []))]
  return {
    severity: 'error',
    confidence: 'certain',
    cause: `ONNX Runtime found no CUDA kernel for ${count} nodes of a quantised model (${ops.join(', ')}) and placed them on the CPU.`,
    evidence: asEvidence(said),
    fixes: [{ title: 'Use the fp16 or fp32 model on the GPU', safety: 'manual', edits: [], then: ['Name the model without quantisation in place of the one in use.', 'Restart the service and measure again: asr-doctor bench'] }],
  }
}

/** What a line of the log already rules out, and what it does not prove. */
function refutations(session: Session): readonly Refutation[] {
  const [loaded] = seenIn(session, ({ refutes }) => refutes.includes('library-path-hidden'))
  return loaded === undefined ? [] : [
    { hypothesis: 'The CUDA libraries are hidden from the service', because: `${loaded.log.name}, line ${loaded.hit.line}: a provider whose libraries are hidden is not loaded at all.` },
    { hypothesis: 'Memory of the GPU is in use, so the work is done there', because: 'The nodes that do have a kernel, and the weights of them, take memory as well.' },
  ]
}
