import { DoesNotApply } from '../cannot-see.ts'
import type { Use } from '../types.ts'
import { target } from './target.ts'

/** Files alone may come from another machine, and this one then says nothing about them. */
export async function onThisMachine(use: Use): Promise<void> {
  const { kind } = await use(target)
  if (!['shell', 'unit', 'pid', 'python', 'library'].includes(kind)) throw new DoesNotApply('Only files were given, and no machine to look at.')
}
