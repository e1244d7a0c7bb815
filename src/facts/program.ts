import { DoesNotApply } from '../cannot-see.ts'
import type { Fact, Target } from '../types.ts'
import { target } from './target.ts'

/** The target, where it is a program: for what a shell, or files from anywhere, cannot have. */
export const program: Fact<Target> = {
  id: 'program',
  about: 'the service or process that was named',
  gather: async (_host, use) => {
    const asked = await use(target)
    if (asked.kind !== 'unit' && asked.kind !== 'pid') throw new DoesNotApply('Nothing that was named runs inference.')
    return asked
  },
}
