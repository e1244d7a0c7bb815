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
  /** Engines whose code for the GPU can be read; of those in memory alone, where there are any. */
  readonly engines: readonly EngineCode[]
  /** Engines beside them of whose code nothing is known. */
  readonly unread: number
}

/** Asked only where a card is there to compare with. */
export const gpuCode: Fact<GpuCodeView> = {
  id: 'gpu-code',
  about: 'the GPU architectures that the engines hold code for',
  gather: async (host, use) => {
    const seen = await use(cards)
    if (seen.length === 0) return { cards: seen, engines: [], unread: 0 }
    const [libraries, of] = await Promise.all([use(engines), use(context)])
    // What merely lies there may never be imported, once another engine is in memory.
    const loaded = libraries.filter((each) => each.loaded)
    const parts = (loaded.length > 0 ? loaded : libraries).filter((each) => isGpuPart(each))
    const read = await Promise.all(
      parts.map(async (library): Promise<EngineCode | null> => {
        const answer = await known(host.digest('gpu-code', of.root + library.path) as unknown as Promise<GpuCode | null>)
        if (!answer.known || answer.value === null) return null
        return { library, asked: question.digest('gpu-code', of.root + library.path), code: answer.value }
      }),
    )
    const told = read.filter((each) => each !== null).filter(({ code }) => code.sass.length + code.ptx.length > 0)
    return { cards: seen, engines: told, unread: parts.length - told.length }
  },
}
