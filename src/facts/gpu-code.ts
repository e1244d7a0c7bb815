import { known } from '../cannot-see.ts'
import type { GpuCode } from '../elf/gpu-code.ts'
import { question } from '../question.ts'
import type { Fact } from '../types.ts'
import { context } from './context.ts'
import { engines, isGpuPart, type EngineLibrary } from './engines.ts'
import { cards, type Card } from './gpu-capability.ts'

export interface EngineCode {
  readonly library: EngineLibrary
  readonly asked: string
  readonly code: GpuCode
}

export interface GpuCodeView {
  readonly cards: readonly Card[]
  /** Engines whose code for the GPU can be read. Those of which nothing is known are left out: they speak for nothing. */
  readonly engines: readonly EngineCode[]
}

/** Asked only where a card is there to compare with. */
export const gpuCode: Fact<GpuCodeView> = {
  id: 'gpu-code',
  about: 'the GPU architectures that the engines hold code for',
  gather: async (host, use) => {
    const seen = await use(cards)
    if (seen.length === 0) return { cards: seen, engines: [] }
    const [libraries, of] = await Promise.all([use(engines), use(context)])
    const read = await Promise.all(
      libraries.filter((each) => isGpuPart(each)).map(async (library): Promise<EngineCode | null> => {
        const answer = await known(host.digest('gpu-code', of.root + library.path) as unknown as Promise<GpuCode | null>)
        if (!answer.known || answer.value === null) return null
        return { library, asked: question.digest('gpu-code', of.root + library.path), code: answer.value }
      }),
    )
    return { cards: seen, engines: read.filter((each) => each !== null).filter(({ code }) => code.sass.length + code.ptx.length > 0) }
  },
}
