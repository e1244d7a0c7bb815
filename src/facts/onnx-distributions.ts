import { DoesNotApply } from '../cannot-see.ts'
import type { Fact } from '../types.ts'
import { python } from './python.ts'
import { target } from './target.ts'

export interface Distribution {
  readonly name: string
  readonly version: string
  /** The site directory that holds it. */
  readonly root: string
}

export interface OnnxDistributions {
  readonly executable: string
  /** The question behind it, for evidence. */
  readonly source: string
  readonly distributions: readonly Distribution[]
}

/** Distributions that all install the same package `onnxruntime` (their wheels' RECORD). */
const SAME_PACKAGE = /^onnxruntime(-gpu|-directml|-openvino|-training|-rocm|-qnn|-migraphx)?$/

/** The packages of ONNX Runtime that the target's own Python sees. */
export const onnxDistributions: Fact<OnnxDistributions> = {
  id: 'onnx-distributions',
  about: "the packages of ONNX Runtime in the target's Python",
  gather: async (_host, use) => {
    const asked = await use(target)
    if (asked.kind === 'shell' && asked.files !== undefined) throw new DoesNotApply('Only files were given, and no Python.')
    const view = await use(python)
    if (view === null) throw new DoesNotApply('It runs no Python.')
    // Names as PEP 503 writes them.
    const plain = view.distributions.map(({ name, version, root }) => ({ name: name.toLowerCase().replace(/[-_.]+/g, '-'), version, root }))
    return { executable: view.executable, source: view.source, distributions: plain.filter(({ name }) => SAME_PACKAGE.test(name)) }
  },
}
