import { defineCheck, type Finding } from '../../src/index.ts'
import { modelFiles } from '../../src/facts/model-files.ts'
import { session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { opsInWords } from '../../src/verdict/signs.ts'
import { judgedModels, notForCuda, type Judged } from './models.ts'

/** Below this a graph is not worth exporting anew. Our own measure. */
const MANY_NODES = 5
const MANY_SHARE = 0.05
const MANY_COPIES = 50

export default defineCheck({
  id: 'ep/unsupported-ops',
  title: 'A model meant for CUDA holds operators that CUDA has no kernel for',
  docs: {
    what: 'Compares every operator of a model that is not quantised to integers, with its element types, opset and release of ONNX Runtime, with the published kernels of the CUDA provider.',
    why: 'Such a node runs on the CPU, and its inputs and outputs are copied; each copy waits for the GPU. A few are harmless. Arithmetic on shapes is kept on the CPU on purpose and is not counted.',
    remedy: 'Export the model with another opset or without these operators, use a newer ONNX Runtime, or bind inputs and outputs to the GPU.',
    links: ['https://github.com/microsoft/onnxruntime/blob/main/docs/OperatorKernels.md', 'https://github.com/microsoft/onnxruntime/issues/18032'],
  },
  fixes: 'always',
  needs: { target, session, modelFiles },
  run: ({ target, session, modelFiles: models }) => {
    const foreign = notForCuda(target, session, models)
    if (foreign !== null) return foreign
    return judgedModels(models, session)
      .filter(({ meant, forecast, quantisation }) => meant && forecast.cpuNodes > 0 && quantisation !== 'dynamic' && quantisation !== 'qoperator')
      .map(finding)
  },
})

function finding({ use, certain, forecast, exact }: Judged): Finding {
  const many = (forecast.cpuNodes >= MANY_NODES && forecast.cpuNodes / forecast.nodes >= MANY_SHARE) || forecast.copies >= MANY_COPIES
  const [have, run] = forecast.cpuNodes === 1 ? ['has', 'runs'] : ['have', 'run']
  const copies = `${forecast.copies} ${forecast.copies === 1 ? 'copy' : 'copies'}`
  return {
    severity: many && certain ? 'warning' : 'info',
    confidence: !certain ? 'possible' : exact ? 'certain' : 'likely',
    cause: `${forecast.cpuNodes} of the ${forecast.nodes} nodes of ${use.path} ${have} no CUDA kernel for ${forecast.cpuNodes === 1 ? 'its' : 'their'} types in ONNX Runtime ${forecast.release} and ${run} on the CPU, with at least ${copies} in every run.`,
    evidence: [{ source: use.asked, saw: opsInWords(forecast) }],
    fixes: [{ title: 'Keep the model whole on the GPU, where it matters', safety: 'manual', edits: [], then: ['Measure first: a profile shows what these nodes and copies cost.', 'Export the model without them, or use a release of ONNX Runtime that has the kernels.'] }],
  }
}
