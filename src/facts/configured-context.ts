import { CannotSee } from '../cannot-see.ts'
import type { Fact } from '../types.ts'
import type { Context } from './context.ts'

/** The context a unit would start with, modelled from its files. */
export const configuredContext: Fact<Context> = {
  id: 'configured-context',
  about: 'the environment and credentials the unit would start with',
  gather: async () => {
    throw new CannotSee('The unit is not running.', 'Start it and run the check again.')
  },
}
