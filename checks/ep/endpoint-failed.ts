import { defineCheck, type Finding, type Immutable } from '../../src/index.ts'
import { endpoint, type Endpoint } from '../../src/facts/endpoint.ts'
import { target } from '../../src/facts/target.ts'
import { seconds } from '../../src/probe/endpoint-answers.ts'
import type { EndpointRequest } from '../../src/probe/endpoint.ts'
import { again } from './subject.ts'

export default defineCheck({
  id: 'ep/endpoint-failed',
  title: 'The endpoint of the service gives no text for known speech',
  docs: {
    what: 'With --probe URL only: the beginning of the reference clip is sent to the service’s own endpoint, three times or more, in the form of OpenAI’s transcription interface, which whisper.cpp’s server takes at /inference as well. This looks at endpoints that do not answer, hang up, fail, or give an empty text.',
    why: 'A service may run, answer and be fast, and still hear nothing: an empty text for clear speech is what a model gives that computes infinities or blanks. No log needs to say so.',
    remedy: 'What is sent is speech, as 16 kHz, one channel and 16 bits, so neither microphone nor recording is to blame. Look at what the server says, at its model and precision, and at its log of that moment.',
    links: ['https://platform.openai.com/docs/api-reference/audio/createTranscription', 'https://github.com/ggml-org/whisper.cpp/tree/master/examples/server'],
  },
  fixes: 'always',
  needs: { target, endpoint },
  run: ({ target, endpoint }) => {
    const { reading, answers, verdict, url, asked } = endpoint
    const failed = reading.requests.find(({ end }) => end !== 'text')
    const unclear = failed === undefined ? null : unclearOf(failed, url, reading.audioS)
    if (unclear !== null) return { status: 'unknown', ...unclear }
    const retry = `Ask it again: ${again(target, `--probe ${url} --only ep`)}`
    const found: Finding[] = []
    if (answers.empty > 0) {
      found.push({
        severity: 'error',
        confidence: 'certain',
        cause: `${url} gave an empty text for ${reading.audioS} s of clear speech${answers.empty === answers.texts ? '' : ` in ${answers.empty} of ${answers.texts} answers`}.`,
        evidence: [{ source: asked, saw: `${answers.empty} of ${answers.texts} texts are empty; what is said is “${reading.words}”` }],
        refuted: [{ hypothesis: 'The microphone or the recording is silent', because: 'What was sent is speech from a file, which other recognisers write down.' }],
        fixes: [{ title: 'Find out what the model makes of speech', safety: 'manual', edits: [], then: [`Send the same file with ${verdict.onGpu === false ? '' : 'the service on the CPU, or with '}its model in full precision: text there means that precision or quantisation is at fault here.`, retry] }],
      })
    }
    if (failed !== undefined) {
      const { severity, what, step } = failureOf(failed, endpoint)
      found.push({ severity, confidence: 'certain', cause: `${url} ${what}.`, evidence: [{ source: asked, saw: `request ${reading.requests.indexOf(failed) + 1}: ${failed.status === null ? failed.said : `HTTP status ${failed.status}`}` }], fixes: [{ title: step, safety: 'manual', edits: [], then: [retry] }] })
    }
    return found
  },
})

/** A large model on a few processors, or one that is loaded for the first request, takes longer than its speech; so long takes what hangs. */
const PATIENCE_MS = 20_000

/** Answers that may come of how it was asked, and show no fault of the service. */
function unclearOf({ end, status, said, wallMs }: Immutable<EndpointRequest>, url: string, audioS: number): { readonly because: string; readonly how: string } | null {
  const words = said === '' ? '' : `: ${said.slice(0, 200).replace(/\.$/, '')}`
  if (end === 'moved') return { because: `${url} sends the request on to ${said === '' ? 'another place' : said}, which is not followed.`, how: 'Give the address where the service itself answers.' }
  if (end === 'late' && wallMs < PATIENCE_MS) return { because: `${url} gave no answer to ${audioS} s of speech within ${seconds(wallMs)}, in which a slow one may still be at work.`, how: 'Give it longer with --timeout SECONDS.' }
  if (end === 'failed') return { because: `${url} could not be asked: ${said.replace(/\.$/, '')}.`, how: 'Give an address that can be reached from here.' }
  if (end === 'foreign' && !SAYS_ERROR.test(said)) return { because: `${url} did not answer with JSON that holds a text${words}.`, how: 'Give the address of its transcription interface, such as …/v1/audio/transcriptions or …/inference.' }
  if (end !== 'status' || status === null || status >= 500 || status === 429) return null
  const how = status === 401 || status === 403 ? 'Give the address of a server that asks for no key.' : status === 404 || status === 405 ? 'Give the address of its transcription interface, such as …/v1/audio/transcriptions or …/inference, and of a model that it has.' : 'Look at what it asks for; only multipart with file, model and response_format is sent.'
  return { because: `${url} did not take the request: HTTP status ${status}${words}.`, how }
}

/** whisper.cpp’s server says what failed with status 200. */
const SAYS_ERROR = /^\{\s*"error"/

function failureOf({ end, status, said, wallMs }: Immutable<EndpointRequest>, { reading }: Immutable<Endpoint>): { readonly severity: Finding['severity']; readonly what: string; readonly step: string } {
  const words = said === '' ? '' : `: ${said.slice(0, 200).replace(/\.$/, '')}`
  if (end === 'refused') return { severity: 'error', what: 'is nobody’s address: nothing listens there', step: 'Start the service, or give the address that it listens on' }
  if (end === 'closed') return { severity: 'error', what: `hung up after ${seconds(wallMs)} without an answer, as a server does that dies of the request`, step: 'Look whether the service was started anew at that moment, and why it died' }
  if (end === 'late') return { severity: 'error', what: `gave no answer to ${reading.audioS} s of speech within ${seconds(wallMs)}`, step: 'Look at what it does meanwhile; where it may only be slow or still loading, give it longer with --timeout SECONDS' }
  if (status === 429 || status === 503) return { severity: 'warning', what: `is too busy, or not ready yet: HTTP status ${status}${words}`, step: 'Ask it again when it has loaded its model and nobody else asks' }
  return { severity: 'error', what: `failed at the request: ${status === null || status === 200 ? 'it says' : `HTTP status ${status}`}${words}`, step: 'Mend what it says; its log of that moment tells more' }
}
