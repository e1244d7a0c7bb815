/** What the answers of an endpoint say by themselves: how fast, and how right. */
import { wordErrorRate } from '../bench/stats/word-errors.ts'
import type { EndpointReading } from './endpoint.ts'

export interface EndpointAnswers {
  /** How many requests were answered with a text, and how many of these texts are empty. */
  readonly texts: number
  readonly empty: number
  /** The worst word error rate; null = no text. */
  readonly errorRate: number | null
  readonly firstMs: number | null
  /** The middle one of those behind the first; null = there are none. */
  readonly warmMs: number | null
  /** Of the warm requests, else of the first. */
  readonly rtf: number | null
}

export function answersOf({ requests, audioS, words }: EndpointReading): EndpointAnswers {
  const answered = requests.filter(({ end }) => end === 'text')
  const warm = answered.filter((each) => each !== requests[0]).map(({ wallMs }) => wallMs).sort((a, b) => a - b)
  const firstMs = requests[0]!.end === 'text' ? requests[0]!.wallMs : null
  const warmMs = warm.length === 0 ? null : warm[Math.floor((warm.length - 1) / 2)]!
  const ms = warmMs ?? firstMs
  return {
    texts: answered.length,
    empty: answered.filter(({ said }) => said.trim() === '').length,
    errorRate: answered.length === 0 ? null : Math.max(...answered.map(({ said }) => wordErrorRate(words, said) ?? Infinity)),
    firstMs,
    warmMs,
    rtf: ms === null ? null : ms / 1000 / audioS,
  }
}

/** An English recogniser of any size stays well below it; one for another language does not come near. */
const RIGHT_ERROR_RATE = 0.3
export const isRight = ({ errorRate }: EndpointAnswers): boolean => errorRate !== null && errorRate <= RIGHT_ERROR_RATE

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 9950 ? 2 : 0)} s`
const percent = (part: number): string => `${Math.round(100 * part)} %`

/** Whole sentences; RTF and RTFx both, for each is taken for the other. */
export function answersInWords(reading: EndpointReading): string {
  const answers = answersOf(reading)
  const { firstMs, warmMs, rtf, errorRate, texts, empty } = answers
  if (texts === 0 || rtf === null) return ''
  const speed = `RTF ${rtf.toFixed(2)} (RTFx ${(1 / rtf).toFixed(2)}: ${rtf < 1 ? 'faster' : 'slower'} than the audio runs)`
  const time = warmMs === null ? `its first answer to ${reading.audioS} s of speech took ${seconds(firstMs!)}: ${speed}` : `${reading.audioS} s of speech took it ${firstMs === null ? '' : `${seconds(firstMs)} the first time and `}${seconds(warmMs)} then (the middle one of ${texts - (firstMs === null ? 0 : 1)}): ${speed}`
  const text = empty > 0 ? `The text is empty in ${empty === texts ? 'each' : `${empty} of ${texts}`} of them.` : isRight(answers) ? `The text is what is said (word error rate ${percent(errorRate!)}).` : `The text is not what is said (word error rate ${percent(errorRate!)}); a model for another language does that as well.`
  return `Asked at its endpoint, ${time}. ${text}`
}
