import { defineCheck, type Finding, type Fix } from '../../src/index.ts'
import { foreign, standing } from '../../src/verdict/standing.ts'
import { asEvidence, ofEarlierRun } from '../ep/subject.ts'
import type { Signature } from '../../src/log/types.ts'
import { judged, LOG } from './subject.ts'

/** Failures of the GPU's own layers. What the engine makes of them is the matter of the checks of `ep`. */
const LAYERS = new Set(['cuda-call-failed', 'gpu-fault', 'cudnn-missing', 'cudnn-mixed', 'architecture-missing', 'driver-mismatch', 'driver-absent', 'driver-too-old', 'gpu-unseen', 'operator-unsupported', 'model-file-broken', 'device-access'])
const ALONE = new Set(['cuda-driver-insufficient', 'torch-unknown-error', 'cublas-not-initialised', 'nvml-unknown-error', 'cuda-not-initialised', 'cuda-compat-refused', 'ort-rs-no-library'])

export default defineCheck({
  id: 'log/gpu-error',
  title: 'The log holds an error of CUDA, cuDNN, the driver or the model',
  docs: {
    what: 'Looks in the log for the errors of CUDA, cuBLAS, cuDNN, the NVIDIA driver and the loading of models, by the words with which the programs of the field print them.',
    why: 'An error that is caught and logged once is easily overlooked, while the service goes on with the CPU or with nothing.',
    remedy: 'Each line says what it can and cannot mean; the checks of the families gpu, cuda and cudnn look for its cause.',
    links: ['https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html', 'https://docs.nvidia.com/deploy/xid-errors/'],
  },
  fixes: 'sometimes',
  needs: LOG,
  run: (facts) =>
    judged(facts, (session) => {
      const wanted = ({ id, shows, confirms }: Signature) => shows === 'fault' && (ALONE.has(id) || confirms.some((each) => LAYERS.has(each)))
      const all = standing(session, wanted)
      if (all.length === 0) return ofEarlierRun(session, wanted) ?? []
      // A line that says more than that a call failed is judged by the more.
      const plain = all.filter(({ signature, hit, log }) => !(signature.confirms.includes('cuda-call-failed') && all.some((other) => other.signature !== signature && other.hit.line === hit.line && other.log === log)))
      return [...new Set(plain.map(({ signature }) => signature))].map((signature): Finding => ({
        ...(plain.some((each) => each.signature === signature && !foreign(session, each)) ? { severity: 'error' } : { severity: 'info' }),
        confidence: plain.every((each) => each.signature !== signature || each.hit.unsure) ? 'possible' : 'certain',
        cause: signature.meaning,
        evidence: asEvidence(plain.filter((each) => each.signature === signature)),
        fixes: signature.id === 'cudnn-windows-missing' ? [bothWays(plain.find((each) => each.signature === signature)!.hit.text)] : [],
      }))
    }),
})

/** cuDNN opens its parts with LoadLibrary, which goes along PATH; an extension module of Python 3.8 or later does not (What's New In Python 3.8). */
function bothWays(line: string): Fix {
  const name = /(\w+\.dll)/i.exec(line)?.[1] ?? 'the DLL'
  return {
    title: `Let Windows find ${name} both ways in which it is looked for`,
    safety: 'manual',
    edits: [],
    then: [
      `Put the folder that holds ${name} on PATH before the program starts: libraries that open others by name look there`,
      `In a program in Python 3.8 or later also call os.add_dll_directory(FOLDER) before the engine is imported: its own imports do not look along PATH`,
      `where ${name}`,
    ],
  }
}
