import { known } from '../cannot-see.ts'
import { smiReportOf, type SmiReport } from '../gpu/smi-report.ts'
import { smiXmlOf } from '../gpu/smi-xml.ts'
import { question } from '../question.ts'
import type { Fact } from '../types.ts'
import { onThisMachine } from './driver-scope.ts'

/** What came of asking nvidia-smi. It speaks for the machine, not for the target. */
export type SmiAnswer =
  | { readonly kind: 'absent' }
  | { readonly kind: 'report'; readonly report: SmiReport; readonly source: string }
  /** Its own words, which it prints on stdout, and its exit code. */
  | { readonly kind: 'failed'; readonly code: number | null; readonly words: string; readonly source: string }
  | { readonly kind: 'late'; readonly words: string; readonly limitMs: number; readonly source: string }
  | { readonly kind: 'unseen'; readonly because: string; readonly how: string | null }

const ARGS = ['-q', '-x'] as const

export const nvidiaSmi: Fact<SmiAnswer> = {
  id: 'nvidia-smi',
  about: 'what nvidia-smi says of the GPUs and the driver',
  gather: async (host, use) => {
    await onThisMachine(use)
    const inventory = await known(host.inventory('nvidia'))
    if (!inventory.known) {
      // Whoever hangs once hangs twice: it is not asked again.
      const limit = /no answer within ([\d.]+) s/.exec(inventory.because)?.[1]
      const late = limit !== undefined || /not answered in time/.test(inventory.because)
      return late ? { kind: 'late', words: inventory.because, limitMs: Number(limit ?? 0) * 1000, source: question.inventory('nvidia') } : { kind: 'unseen', because: inventory.because, how: inventory.how }
    }
    const parsed = smiReportOf(inventory.value)
    if (parsed !== null) return { kind: 'report', report: parsed, source: question.inventory('nvidia') }
    const asked = await known(host.run('nvidia-smi', ARGS))
    const source = question.run('nvidia-smi', ARGS)
    if (!asked.known) {
      const limit = /no answer within ([\d.]+) s/.exec(asked.because)?.[1]
      return limit === undefined ? { kind: 'unseen', because: asked.because, how: asked.how } : { kind: 'late', words: asked.because, limitMs: Number(limit) * 1000, source }
    }
    if (asked.value === null) return { kind: 'absent' }
    const { code, stdout, stderr } = asked.value
    const report = code === 0 ? smiReportOf(smiXmlOf(stdout)) : null
    if (report !== null) return { kind: 'report', report, source }
    const words = (stdout.trim() || stderr.trim()).split('\n').slice(0, 2).join(' ').slice(0, 300)
    if (code === 0) return { kind: 'unseen', because: 'nvidia-smi ended without an error, but its report is not whole.', how: 'Run nvidia-smi -q -x and look at its end.' }
    return { kind: 'failed', code, words, source }
  },
}
