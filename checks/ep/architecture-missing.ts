import { defineCheck, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { gpuCode, type EngineCode } from '../../src/facts/gpu-code.ts'
import type { Card } from '../../src/facts/gpu-capability.ts'
import { gpuWish } from '../../src/facts/gpu-wish.ts'
import { capabilityText } from '../../src/gpu/capability.ts'

export default defineCheck({
  id: 'ep/architecture-missing',
  title: 'The engine has no code for the architecture of the card',
  docs: {
    what: 'Reads for which GPU architectures the GPU part of the engine holds code, from the headers in its file, and compares them with the compute capability of the cards.',
    why: 'Machine code runs on cards of the same major capability and of its minor or a higher one; intermediate code is compiled by the driver for any newer card. Where neither is there, the first kernel fails with `no kernel image is available for execution on the device`: wheels of the year before on a new card, and CUDA 13 builds on one before capability 7.5. Where only intermediate code is there, the first start takes long.',
    remedy: 'Install a build of the engine with code for the card: for a new card a newer release or CUDA, for an old card the last release that still had it.',
    links: ['https://docs.nvidia.com/cuda/cuda-c-programming-guide/#binary-compatibility', 'https://developer.nvidia.com/cuda-gpus', 'https://github.com/OpenNMT/CTranslate2/issues/1765'],
  },
  fixes: 'always',
  needs: { gpuCode, gpuWish },
  run: ({ gpuCode: { cards, engines, unread }, gpuWish: wish }) => {
    if (wish.strength === 'cpu') return { status: 'not-applicable', because: 'It asks for the CPU.' }
    if (engines.length === 0) return { status: 'not-applicable', because: cards.length === 0 ? 'What the GPUs can compute is not known.' : 'No engine with code for a GPU is seen in it.' }
    return engines.flatMap((engine) => {
      const ways = cards.map((card) => wayOf(engine, card.capability))
      // Which of several cards is used is not known, so all of them must speak alike.
      if (ways.every((way) => way === 'none')) return [missing(engine, cards, engines.length + unread === 1, wish.strength === 'asked')]
      return ways.every((way) => way === 'compiled') ? [compiled(engine, cards)] : []
    })
  },
})

/** What the CUDA programming guide calls binary and PTX compatibility. Code for one architecture alone (90a, 120a) counts as if it were not: it may serve. */
function wayOf({ code }: Immutable<EngineCode>, capability: number): 'machine code' | 'compiled' | 'none' {
  if (code.sass.some((each) => Math.floor(each / 10) === Math.floor(capability / 10) && each <= capability)) return 'machine code'
  return code.ptx.some((each) => each <= capability) ? 'compiled' : 'none'
}

const names = (list: readonly number[], kind: string): string => list.map((each) => `${kind}_${each}`).join(' ')
const inWords = ({ code }: Immutable<EngineCode>): string => [...(code.sass.length > 0 ? [names(code.sass, 'sm')] : []), ...(code.ptx.length > 0 ? [names(code.ptx, 'compute')] : [])].join(', ')
const called = ({ library }: Immutable<EngineCode>): string => `${library.path}${library.version === null ? '' : ` (${library.engine} ${library.version})`}`
const evidence = (engine: Immutable<EngineCode>, cards: Immutable<readonly Card[]>): readonly [Evidence, ...Evidence[]] => [{ source: engine.asked, saw: inWords(engine) }, ...cards.map((card) => card.evidence)]

function missing(engine: Immutable<EngineCode>, cards: Immutable<readonly Card[]>, only: boolean, asked: boolean): Finding {
  const { name, capability } = cards[0]!
  const newer = engine.code.sass.every((each) => each < capability)
  return {
    severity: asked && only ? 'error' : 'warning',
    confidence: only ? 'certain' : 'possible',
    cause: `${called(engine)} has no code for ${name}, which is of compute capability ${capabilityText(capability)}: its first kernel there fails${only ? '' : ', if it is this engine that does the work'}.`,
    evidence: evidence(engine, cards),
    refuted: [{ hypothesis: 'The driver is too old for the card', because: 'What is missing is code in the engine; nvidia-smi shows the card, so the driver has it.' }],
    fixes: [{ title: newer ? 'Install a newer build of the engine' : 'Install a build of the engine that still serves this card', safety: 'manual', edits: [], then: [INSTEAD[engine.library.engine]?.(newer) ?? `Install a build with code for sm_${capability}.`, 'Restart the service.'] }],
  }
}

const INSTEAD: Readonly<Record<string, (newer: boolean) => string>> = {
  torch: (newer) => (newer ? 'Install torch from an index with a newer CUDA (for capability 12.0 cu128 or newer): https://pytorch.org/get-started/locally/' : 'Install torch from an index with an older CUDA (cu126 serves capability 5.0 to 9.0): https://pytorch.org/get-started/locally/'),
}

function compiled(engine: Immutable<EngineCode>, cards: Immutable<readonly Card[]>): Finding {
  const { name, capability } = cards[0]!
  return {
    severity: 'info',
    confidence: 'certain',
    cause: `${called(engine)} has no machine code for ${name}, which is of compute capability ${capabilityText(capability)}, so the driver compiles its kernels at their first use, and again at every start if it may not keep them.`,
    evidence: evidence(engine, cards),
    fixes: [{ title: 'Let the driver keep what it compiles', safety: 'manual', edits: [], then: ['CUDA_CACHE_PATH of the service must lie where it may write, and CUDA_CACHE_DISABLE must not be set.', 'A build with machine code for the card starts at once.'] }],
  }
}
