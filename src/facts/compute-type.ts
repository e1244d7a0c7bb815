import { DoesNotApply, known } from '../cannot-see.ts'
import { isComputeType, type ComputeType } from '../ctranslate2/compute-type.ts'
import { question } from '../question.ts'
import type { Evidence, Fact } from '../types.ts'
import { context } from './context.ts'
import { engines } from './engines.ts'
import { process_ } from './process.ts'
import { program } from './program.ts'
import { maybe } from './maybe.ts'
import { sourceEngine } from './source-engine.ts'

/** The compute type that the target asks CTranslate2 for, by name. */
export interface ComputeTypeWish {
  /** Of CTranslate2. */
  readonly version: string | null
  readonly type: ComputeType
  readonly evidence: Evidence
  /** The device that the same line of source names; null = it names none, or the wish is no line of source. */
  readonly device: 'cpu' | 'gpu' | null
  /** A line of source need not be one that is reached. */
  readonly reached: boolean
  /** CT2_CUDA_ALLOW_FP16 and CT2_CUDA_ALLOW_BF16 lift the limits of the card. */
  readonly lifted: boolean
}

const OPTION = /^--?compute[-_]type$/
/** GPU_COMPUTE_TYPE is for one device of two, and which is in use does not follow from it. */
const NAME = /^(?!.*(?:GPU|CUDA|CPU)).*COMPUTE_TYPE$/

/** null = nothing names one. */
export const computeType: Fact<ComputeTypeWish | null> = {
  id: 'compute-type',
  about: 'the compute type that the target asks CTranslate2 for',
  gather: async (_host, use) => {
    await use(program)
    const libraries = await known(use(engines))
    const own = libraries.known ? libraries.value.find(({ engine }) => engine === 'ctranslate2') : undefined
    if (own === undefined) throw new DoesNotApply('No CTranslate2 is seen in it.')
    const [of, running] = await Promise.all([use(context), known(use(process_))])
    const process = running.known ? running.value : null
    const source = process === null ? of.envSource : question.read(`${process.folder}/cmdline`)
    const env = of.env.known ? of.env.value : {}
    const lifted = ['CT2_CUDA_ALLOW_FP16', 'CT2_CUDA_ALLOW_BF16'].some((name) => /^(1|true)$/i.test(env[name] ?? ''))
    const words = of.argv.slice(1).flatMap((word, at, all) => {
      const [option = '', value = all[at + 1] ?? ''] = word.split('=', 2)
      return OPTION.test(option) && isComputeType(value) ? [{ type: value, evidence: { source, saw: word.includes('=') ? word : `${word} ${value}` } }] : []
    })
    const variables = Object.entries(env).flatMap(([name, value]) => (NAME.test(name) && isComputeType(value) ? [{ type: value, evidence: { source: of.envSource, saw: `${name}=${value}` } }] : []))
    const [first] = [...words, ...variables]
    if (first !== undefined) return { version: own.version, lifted, device: null, reached: true, ...first }
    const scan = await use(maybe(sourceEngine))
    const named = (scan.known ? scan.value.lines : []).flatMap(({ kind, file, line, text }) => {
      const type = kind === 'compute-type' ? /\bcompute_type\s*=\s*['"](\w+)['"](?!\s*if\b)/.exec(text)?.[1] : undefined
      const device = /\bdevice\s*=\s*['"](cpu|cuda)/.exec(text)?.[1]
      return type !== undefined && isComputeType(type) ? [{ type, device: device === undefined ? null : device === 'cpu' ? ('cpu' as const) : ('gpu' as const), evidence: { source: scan.known ? scan.value.source : '', saw: `${file}:${line}: ${text}` } }] : []
    })
    return named[0] === undefined ? null : { version: own.version, lifted, reached: false, ...named[0] }
  },
}
