import { defineCheck, type Evidence } from '../../src/index.ts'
import { computeType } from '../../src/facts/compute-type.ts'
import { cards } from '../../src/facts/gpu-capability.ts'
import { gpuIntent } from '../../src/facts/gpu-intent.ts'
import { maybe } from '../../src/facts/maybe.ts'
import { instead, refused } from '../../src/ctranslate2/compute-type.ts'
import { capabilityText } from '../../src/gpu/capability.ts'

export default defineCheck({
  id: 'ep/compute-type-unsupported',
  title: 'CTranslate2 is asked for a compute type that the device does not have',
  docs: {
    what: "Compares the compute type that the command line, a variable or the service's own Python source names with those that CTranslate2 takes on the CPU, or on a card of the compute capability that is here.",
    why: 'A type that is named and not to be had is refused: `Requested float16 compute type, but the target device or backend do not support efficient float16 computation.` The model is not loaded. Half precision needs compute capability 7.0, bfloat16 8.0, int8 6.1 or 7.0 and higher; the CPU has neither half precision. `default` and `auto` choose what there is.',
    remedy: 'Name a type that the device has, or `auto`.',
    links: ['https://opennmt.net/CTranslate2/quantization.html', 'https://github.com/SYSTRAN/faster-whisper/issues/42'],
  },
  fixes: 'always',
  needs: { computeType, gpuIntent, cards: maybe(cards) },
  run: ({ computeType: wish, gpuIntent: intent, cards }) => {
    if (wish === null) return { status: 'not-applicable', because: 'Nothing names a compute type.' }
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
