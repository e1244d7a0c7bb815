import type { Check } from '../../src/index.ts'
import alsaHidden from './alsa-hidden.ts'
import onlyMonitors from './only-monitors.ts'
import serverUnreachable from './server-unreachable.ts'
import sourcesDiffer from './sources-differ.ts'

export const audioChecks: readonly Check<any>[] = [serverUnreachable, onlyMonitors, alsaHidden, sourcesDiffer]
