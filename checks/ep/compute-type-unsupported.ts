import { defineCheck, type Evidence, type Finding, type Immutable } from '../../src/index.ts'
import { computeType, type ComputeTypeWish } from '../../src/facts/compute-type.ts'
import { cards } from '../../src/facts/gpu-capability.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { maybe, orVerdict } from '../../src/facts/maybe.ts'
import { session, type Session } from '../../src/facts/session.ts'
import { instead, isComputeType, refused, type ComputeType } from '../../src/ctranslate2/compute-type.ts'
import { capabilityText } from '../../src/gpu/capability.ts'
import { seenIn, type Seen } from '../../src/verdict/signs.ts'
import { standing } from '../../src/verdict/standing.ts'
import { asEvidence } from './subject.ts'

export default defineCheck({
  id: 'ep/compute-type-unsupported',
  title: 'CTranslate2 is asked for a compute type that the device does not have',
  docs: {
    what: "Looks in the log for the line with which CTranslate2 refuses a compute type. Without it, compares the compute type that the command line, a variable or the service's own Python source names with those that CTranslate2 takes on the CPU, or on a card of the compute capability that is here.",
    why: 'A type that is named and not to be had is refused: `Requested float16 compute type, but the target device or backend do not support efficient float16 computation.` The model is not loaded. Half precision needs compute capability 7.0, bfloat16 8.0, int8 6.1 or 7.0 and higher; the CPU has neither half precision. `default` and `auto` choose what there is.',
    remedy: 'Name a type that the device has, or `auto`.',
    links: ['https://opennmt.net/CTranslate2/quantization.html', 'https://github.com/SYSTRAN/faster-whisper/issues/42'],
  },
  fixes: 'always',
  needs: { session, computeType: orVerdict(computeType), gpuIntent: orVerdict(gpuIntent), cards: maybe(cards) },
  run: ({ session, computeType: named, gpuIntent: of, cards }) => {
    const lines = refusals(session as Session)
    if (lines.length > 0) return [byLog(lines, 'value' in named ? named.value : null, 'value' in of ? of.value.asks : null)]
    if ('verdict' in named) return named.verdict
    if ('verdict' in of) return of.verdict
    const [wish, intent] = [named.value, of.value]
    if (wish === null) return { status: 'not-applicable', because: 'Nothing names a compute type.' }
    // A line for one device, in a service that is told to take the other, is not the one that is reached.
    if (wish.device !== null && intent.asks !== null && wish.device !== intent.asks) return []
    const asks = wish.device ?? intent.asks
    const onCpu = asks === 'cpu'
    if (!onCpu && (asks !== 'gpu' || !cards.known || cards.value.length === 0)) {
      return { status: 'not-applicable', because: asks === null ? 'Nothing says on which device it works.' : 'What the GPUs can compute is not known.' }
    }
    const seen = cards.known ? cards.value : []
    const devices = (onCpu ? [null] : seen.map(({ capability }) => capability)).map((capability) => ({ capability, version: wish.version }))
    // Which of several cards is used is not known, so all of them must speak alike.
    if ((!onCpu && wish.lifted) || !devices.every((device) => refused(wish.type, device))) return []
    const device = devices[0]!
    const better = instead(wish.type, device)
    const where = device.capability === null ? 'the CPU does not have' : `${seen[0]!.name} does not have: it is of compute capability ${capabilityText(device.capability)}`
    const evidence: readonly Evidence[] = onCpu ? (wish.device === null ? intent.evidence : []) : seen.map((card) => card.evidence)
    return [
      {
        severity: wish.reached ? 'error' : 'warning',
        // The program may translate the word before CTranslate2 sees it.
        confidence: wish.reached ? 'likely' : 'possible',
        cause: `CTranslate2${wish.version === null ? '' : ` ${wish.version}`} is asked for the compute type ${wish.type}, which ${where}, so it refuses to load the model.`,
        evidence: [wish.evidence, ...evidence],
        fixes: [{ title: `Ask for ${better}, or for auto`, safety: 'manual', edits: [], then: [`Put ${better} in place of ${wish.type} (${wish.evidence.saw}).`, 'Restart the service.'] }],
      },
    ]
  },
})

/** What it wrote itself of a type it was refused, unless a model was loaded after all: a program may try one type after another. */
function refusals(session: Session): readonly Seen[] {
  const loaded = seenIn(session, ({ id }) => id === 'ct2-device-cpu' || id === 'fw-duration')
  return standing(session, ({ id }) => id === 'ct2-compute-type').filter(({ log, hit }) => log.asked !== session.probe?.asked && !loaded.some((each) => each.log === log && each.hit.line > hit.line))
}

function byLog(lines: readonly Seen[], wish: Immutable<ComputeTypeWish> | null, intended: 'gpu' | 'cpu' | null): Finding {
  const type = /Requested (\w+) compute type/.exec(lines[0]!.hit.text)?.[1] ?? null
  const same = wish !== null && wish.type === type ? wish : null
  const onCpu = (same?.device ?? intended) === 'cpu' && type !== null && isComputeType(type) && refused(type, { capability: null, version: null })
  const better = onCpu ? instead(type as ComputeType, { capability: null, version: null }) : null
  return {
    severity: 'error',
    confidence: 'certain',
    cause: `CTranslate2${wish === null || wish.version === null ? '' : ` ${wish.version}`} was asked for ${type === null ? 'a compute type' : `the compute type ${type}`}, which ${onCpu ? 'the CPU does not have' : 'the device in use does not have (it may be the CPU)'}, and refused to load the model.`,
    evidence: [...asEvidence(lines), ...(same === null ? [] : [same.evidence])] as unknown as Finding['evidence'],
    fixes: [{ title: better === null ? 'Ask for auto, or for a type that the device has' : `Ask for ${better}, or for auto`, safety: 'manual', edits: [], then: [`Put ${better ?? 'auto'} in place of ${type ?? 'it'}${same === null ? ', where the program names its compute_type' : ` (${same.evidence.saw})`}.`, 'Restart the service.'] }],
  }
}
