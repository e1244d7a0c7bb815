import { defineCheck, type Evidence } from '../../src/index.ts'
import { episodesOf, SAMPLE_RATE } from '../../src/log/timeline.ts'
import type { LogReading } from '../../src/log/types.ts'
import { judged, LOG } from './subject.ts'

/** Shorter audio may hold no word. Our own measure. */
const WORDS_EXPECTED_S = 5

export default defineCheck({
  id: 'log/empty-transcript',
  title: 'Every recognition in the log gave no token at all',
  docs: {
    what: 'Looks for recognitions that ended with no token, where none in the same log ended with any.',
    why: 'Recognition that is fast and empty is worse than slow: silence, audio of the wrong rate or form, and a model that overflows in half precision all look like this, and no error is written. Single empty results are ordinary: a pause, a cough.',
    remedy: 'Transcribe a file of known speech in place of the microphone. If that is empty too, run the same file on the CPU or with the fp32 model.',
    links: ['https://github.com/k2-fsa/sherpa-onnx/issues/2282', 'https://github.com/SYSTRAN/faster-whisper/issues/310'],
  },
  fixes: 'never',
  needs: LOG,
  run: (facts) =>
    judged(facts, (_, logs) => {
      const readings = logs.flatMap(({ asked, reading }) => (reading.known ? [{ asked, reading: reading.value as LogReading }] : []))
      const sum = (id: string) => readings.reduce((total, { reading }) => total + (reading.counts[id] ?? 0), 0)
      const empty = sum('zero-tokens')
      if (empty === 0 || sum('tokens-out') > 0) return []
      const evidence = readings.flatMap(({ asked, reading }) => reading.hits.filter(({ id }) => id === 'zero-tokens').map(({ line, text }): Evidence => ({ source: `${asked}:${line}`, saw: text })))
      const audioS = Math.max(0, ...readings.flatMap(({ reading }) => episodesOf(reading).map(({ samples }) => (samples ?? 0) / SAMPLE_RATE)))
      const long = audioS >= WORDS_EXPECTED_S
      return [
        {
          severity: long ? 'error' : 'warning',
          confidence: long ? 'certain' : 'likely',
          cause: `${empty === 1 ? 'The only recognition in the log gave' : `All ${empty} recognitions in the log gave`} no token at all${long ? `, from ${empty === 1 ? '' : 'up to '}${audioS.toFixed(0)} s of audio` : ''}.`,
          evidence: [evidence[0]!, ...evidence.slice(1, 3)],
          fixes: [],
        },
      ]
    }),
})
