import { defineCheck } from '../../src/index.ts'
import { logs } from '../../src/facts/log.ts'
import { session } from '../../src/facts/session.ts'
import { target } from '../../src/facts/target.ts'
import { asEvidence, linesFor, nothingToJudge, unread } from './subject.ts'

export default defineCheck({
  id: 'ep/offloaded-to-disk',
  title: 'Weights of the model were left outside the GPU',
  docs: {
    what: 'Looks in the log for the warning with which accelerate says that parameters are on the meta device.',
    why: 'Weights that do not fit under max_memory, or into the memory that was free, are left in main memory or on the disk and fetched anew in every call. Every call is slow, not only the first.',
    remedy: 'Raise or remove max_memory where the card has room, or load the model in half precision. Eight-bit weights of bitsandbytes save memory and are usually slower than float16.',
    links: ['https://huggingface.co/docs/accelerate/concept_guides/big_model_inference', 'https://github.com/bitsandbytes-foundation/bitsandbytes/issues/347'],
  },
  fixes: 'always',
  needs: { target, logs, session },
  run: ({ target, logs, session }) => {
    const foreign = nothingToJudge(target)
    if (foreign !== null) return foreign
    const lines = linesFor(session, 'offloaded-weights')
    const [first] = lines
    if (first === undefined) return unread(target, logs, session) ?? []
    const disk = /offloaded to the .*disk/.test(first.hit.text)
    const both = /cpu.*disk|disk.*cpu/.test(first.hit.text)
    return [
      {
        severity: disk ? 'error' : 'warning',
        confidence: 'certain',
        cause: `Some weights of the model were left ${both ? 'in main memory and on the disk' : disk ? 'on the disk' : 'in main memory'} and are fetched in every call.`,
        evidence: asEvidence(lines),
        refuted: [{ hypothesis: 'The first call is slow only because it is the first', because: 'What is fetched in every call is slow in every call.' }],
        fixes: [{ title: 'Let the whole model lie on the GPU', safety: 'manual', edits: [], then: ['Raise max_memory to what the card has free, or load the model with dtype=torch.float16.', 'print(model.hf_device_map) must name no cpu and no disk.'] }],
      },
    ]
  },
})
