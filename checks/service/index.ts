import type { Check } from '../../src/index.ts'
import deviceAccessDenied from './device-access-denied.ts'
import environmentDiffers from './environment-differs.ts'
import environmentFileMissing from './environment-file-missing.ts'
import homeHidden from './home-hidden.ts'
import lingerOff from './linger-off.ts'
import reloadPending from './reload-pending.ts'
import restarting from './restarting.ts'
import unitDirectiveUnknown from './unit-directive-unknown.ts'
import variableNotExpanded from './variable-not-expanded.ts'

/** In the order of the report: what keeps a service from starting, then what misleads it, then that it did not run, then what only differs. */
export const service: readonly Check<any>[] = [
  environmentFileMissing,
  deviceAccessDenied,
  homeHidden,
  unitDirectiveUnknown,
  variableNotExpanded,
  restarting,
  reloadPending,
  lingerOff,
  environmentDiffers,
]
