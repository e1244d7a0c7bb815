import { defineCheck, type Evidence, type Finding, type Refutation } from '../../src/index.ts'
import { environmentDifferences } from '../../src/facts/environment-differences.ts'
import { target } from '../../src/facts/target.ts'

export default defineCheck({
  id: 'service/environment-differs',
  title: 'The service runs with other variables than the shell',
  docs: {
    what: 'Lists the variables that can change what a speech engine does while it runs and that the invoking shell has and the service lacks or has otherwise: library paths, visible GPUs, caches, sound servers, threads.',
    why: 'A program that works by hand and not as a service often differs in nothing but its environment: systemd reads no shell profile. A difference is a place to look, not yet a cause.',
    remedy: 'Give the service the variables that another finding shows it needs, with Environment= in a drop-in; those that have no effect at run time stay out.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Environment'],
  },
  fixes: 'never',
  needs: { differences: environmentDifferences, target },
  run({ differences, target }): readonly Finding[] {
    const { matter, idle } = differences
    if (matter.length === 0) return []
    const names = listed(matter.map(({ name }) => name))
    const who = target.kind === 'unit' ? target.name : target.kind === 'pid' ? `process ${target.pid}` : 'the service'
    const verb = differences.of === 'running' ? 'runs' : 'would start'
    const effects = matter.map(({ name, known }) => `${name}: ${inner(known.because)}`)
    return [
      {
        severity: 'info',
        confidence: 'certain',
        cause: `${who} ${verb} with another ${names} than this shell, and ${matter.length === 1 ? 'it can' : 'they can'} matter (${effects.join('; ')}).`,
        evidence: matter.flatMap(({ evidence }) => evidence) as unknown as [Evidence, ...Evidence[]],
        refuted: idle.map(({ name, because }): Refutation => ({ hypothesis: `The service lacks the ${name} of the shell.`, because })),
        // A difference is no cause: copying the shell's variables into the unit would be a guess, not a cure.
        fixes: [],
      },
    ]
  },
})

/** A sentence as part of another: no full stop, no capital article. */
const inner = (sentence: string): string => sentence.replace(/\.$/, '').replace(/^(The|These|It|Programs|Scripts|Caches|Sound|User|Some) /, (word) => word.toLowerCase())

const listed = (names: readonly string[]): string => (names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`)
