import { CannotSee, DoesNotApply } from '../../src/cannot-see.ts'
import { diagnose } from '../../src/diagnose.ts'
import { gatherer } from '../../src/gather.ts'
import { hostOf, remembered } from '../../src/host/host.ts'
import { realMachine } from '../../src/host/real.ts'
import { recorded, type Answer } from '../../src/host/replay.ts'
import type { Check, Fact } from '../../src/types.ts'
import type { Job } from './box-diagnose.ts'

/** The half of box-diagnose.ts that runs inside the box. Prints one JSON answer for all jobs. */
export async function examine(modules: readonly object[], { jobs, limitMs }: { jobs: readonly Job[]; limitMs: number }): Promise<void> {
  const exported = modules.flatMap((module) => Object.values(module)).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
  const checks = [...new Set(exported.filter(isCheck))]
  const facts = new Map(exported.filter(isFact).map((fact) => [fact.id, fact]))
  const answers: object[] = []
  for (const { target, checks: wanted, facts: asked } of jobs) {
    const start = performance.now()
    const log = new Map<string, Answer>()
    const host = hostOf(remembered(recorded(realMachine(target, Date.now() + limitMs), log)))
    const use = gatherer(host)
    const chosen = checks.filter(({ id }) => wanted === undefined || wanted.some((name) => id === name || id.startsWith(`${name}/`)))
    const outcomes = [...(await diagnose(host, use, chosen))]
    const values = await Promise.all((asked ?? []).map(async (id) => [id, await valueOf(use(factNamed(facts, id)))] as const))
    answers.push({ outcomes, facts: Object.fromEntries(values), log: [...log], durationMs: performance.now() - start })
  }
  await new Promise((resolve) => process.stdout.write(JSON.stringify(answers), resolve))
  process.exit(0)
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isCheck = (value: unknown): value is Check => isObject(value) && typeof value['run'] === 'function' && isObject(value['needs'])
const isFact = (value: unknown): value is Fact<unknown> => isObject(value) && typeof value['gather'] === 'function'

function factNamed(facts: ReadonlyMap<string, Fact<unknown>>, id: string): Fact<unknown> {
  const fact = facts.get(id)
  if (fact === undefined) throw new Error(`no module exports a fact ${id}; there are ${[...facts.keys()].join(', ')}`)
  return fact
}

async function valueOf(answer: Promise<unknown>) {
  try {
    return { value: await answer }
  } catch (error) {
    if (!(error instanceof CannotSee || error instanceof DoesNotApply)) throw error
    return { error: error.name, because: error.message, how: error instanceof CannotSee ? error.how : null }
  }
}
