import { describe, expect, it } from 'vitest'
import type { Run } from '../../src/bench/messages.ts'
import { NOTHING, type Measured } from '../../src/bench/protocol.ts'
import { textOf } from '../../src/bench/result.ts'
import { judgeText } from '../../src/bench/transcript.ts'

const run = (text: string | null): Run => ({ wallMs: 100, cpuMs: 100, phases: [], text })
const heard = (cold: readonly string[], later: readonly string[], warmUp: readonly string[] = []): Measured => ({ ...NOTHING, coldRuns: cold.map(run), warmUp: { runs: warmUp.map(run), steady: true }, runs: later.map((text) => ({ run: run(text), calibration: null })) })
const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value)

const SAID = 'four score and seven years ago our fathers brought forth on this continent a new nation conceived in liberty'
const OTHER = 'for scoring seventy years a go hour father is brought fourth upon this content anew nation can see in library'
const judged = (measured: Measured, reference: string | null = null, silent = false) => judgeText(measured, reference, silent).map(({ rule, state, because }) => [rule, state, because])
const fails = (because: RegExp) => [['transcript', 'fail', expect.stringMatching(because)]]

describe('the text', () => {
  it('the worst run counts, those of the warm-up among them', () => {
    expect(textOf(heard(['a b c d'], ['a b c d', 'a b x d']), 'a b c d')).toEqual({ heard: 'a b x d', wer: 0.25, empty: false })
    expect(textOf(heard(['a b c d'], ['a b c d'], ['a b x d']), 'a b c d')).toMatchObject({ wer: 0.25 })
    expect(textOf(NOTHING, 'a')).toBeNull()
  })
  it('all well, with and without knowing what is said, and from a target that makes no text', () => {
    expect(judged(heard([SAID], times(6, SAID)), SAID)).toEqual([])
    expect(judged(heard([SAID], times(6, SAID)))).toEqual([])
    expect(judged({ ...NOTHING, coldRuns: [run(null)], runs: [{ run: run(null), calibration: null }] }, SAID)).toEqual([])
  })
  it('nothing heard: in all runs, in one, in a fresh process other than the last, in the second run', () => {
    expect(judged(heard([''], ['']), SAID)).toEqual(fails(/^The transcript is empty\.$/))
    expect(judged(heard(['a'], ['a', '']))).toEqual(fails(/empty in 1 of 3 runs/))
    expect(judged(heard(['a', '', 'a'], ['a', 'a']))).toEqual(fails(/empty in 1 of 5 runs/))
    expect(judged(heard(['a'], ['a', 'a'], ['', 'a']))).toEqual(fails(/empty in 1 of 5 runs/))
  })
  it('of silence none is right, and some is wrong', () => {
    expect(judged(heard([''], ['']), null, true)).toEqual([])
    expect(judged(heard(['you'], ['you']), null, true)).toEqual(fails(/is silent, and text was made of it: "you"/))
  })
})

describe('a second run that is worse than the first', () => {
  it('where it is known what is said: by the word error rate, of the very second run too', () => {
    expect(judged(heard([SAID], times(6, SAID), [OTHER, SAID, SAID]), SAID)).toEqual(fails(/rose from 0\.0 % in the first run to \d+ % in a later one/))
    expect(judged(heard([OTHER], times(6, SAID)), SAID)).toEqual([])
  })
  it('a word heard as another, or as two, is chance, also in a short recording', () => {
    expect(judged(heard(['no more than anyone'], ['no more than anyone', 'no more than any one', 'no more then anyone']), 'no more than anyone')).toEqual([])
    // 4 of 20 words are more than that, and more than 5 %.
    expect(judged(heard([SAID], [SAID, SAID.replace('four score and seven', 'for scoring aunt seventh')]), SAID)).toEqual(fails(/rose/))
  })
})

describe('state that was kept, where it is not known what is said', () => {
  const piledUp = (first: number, count: number) => Array.from({ length: count }, (_, i) => times(first + i, SAID).join(' '))
  it('texts that pile up', () => {
    expect(judged(heard([SAID], piledUp(5, 6), piledUp(2, 3)))).toEqual(fails(/^Every later run gave the text of the first one and more, 19 words at first and 190 in the end/))
  })
  it('also where it is known, and was heard so badly that more words cannot make it worse', () => {
    expect(judged(heard(['we hear nothing of the kind'], Array.from({ length: 6 }, (_, i) => times(i + 2, 'we hear nothing of the kind').join(' '))), times(20, SAID).join(' '))).toEqual(fails(/^Every later run gave the text of the first one and more/))
  })
  it('later runs that all differ from what fresh processes agree on', () => {
    expect(judged(heard(times(3, SAID), times(6, OTHER), times(3, OTHER)))).toEqual(fails(/^3 fresh processes heard the same text, and every later run another one, by \d+ % of the words at least/))
  })
  it('no chance looks like that', () => {
    const word = SAID.replace('seven', 'eleven')
    // A word in every run; a Whisper that repeats itself once, or went astray once; one that draws its words anew each time; a single later run.
    expect(judged(heard(times(3, SAID), times(6, word)))).toEqual([])
    expect(judged(heard(times(3, SAID), [SAID, SAID, times(8, SAID).join(' '), SAID, SAID, SAID]))).toEqual([])
    expect(judged(heard(times(3, SAID), [SAID, OTHER, SAID, SAID, OTHER, SAID]))).toEqual([])
    expect(judged(heard([SAID, OTHER, SAID], times(6, OTHER)))).toEqual([])
    expect(judged(heard([SAID], [`${SAID} ${SAID}`]))).toEqual([])
    expect(judged(heard([SAID], times(6, OTHER)))).toEqual([])
  })
})

describe('texts too long to compare', () => {
  const many = (name: string) => Array.from({ length: 20_001 }, (_, i) => `${name}${i}`).join(' ')
  it('beside what is said: neither right nor wrong, and the rate is not that of the others', () => {
    const measured = heard([many('a')], [many('a'), many('b')])
    expect(judged(measured, many('a'))).toEqual([['transcript', 'inconclusive', 'The reference has 20001 words and a transcript 20001: too many to compare them, so the word error rate is not known. A shorter recording can be judged.']])
    expect(textOf(measured, many('a'))).toMatchObject({ wer: null, empty: false })
  })
  it('beside each other: nothing is said of them', () => {
    expect(judged(heard(times(2, many('a')), times(3, many('b'))))).toEqual([])
  })
})
