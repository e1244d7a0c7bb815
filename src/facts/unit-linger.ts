import { DoesNotApply, known } from '../cannot-see.ts'
import { question } from '../question.ts'
import type { Fact } from '../types.ts'
import { accountOf } from './unit-accounts.ts'
import { unitState } from './unit-state.ts'

/** Whether a user's manager outlives the last session of that user (loginctl(1), enable-linger). */
export interface Linger {
  readonly user: string
  readonly uid: number
  readonly on: boolean
  /** Somebody sits at the machine: the user's main session has a seat. null = logind did not say. */
  readonly seated: boolean | null
  /** Sessions of that user at all; null = logind did not say. */
  readonly sessions: readonly string[] | null
  readonly source: string
  readonly sessionSource: string
}

export const linger: Fact<Linger> = {
  id: 'unit-linger',
  about: "whether the user's services outlive the user's last session",
  gather: async (host, use) => {
    const unit = await use(unitState)
    if (unit === null) throw new DoesNotApply('The target is no systemd service.')
    if (unit.scope === 'system') throw new DoesNotApply('A system service does not depend on anybody being logged in.')
    const account = await accountOf(host, String(unit.managerUid))
    if (account === null) throw new DoesNotApply(`No user has the number ${unit.managerUid}.`)
    const path = `/var/lib/systemd/linger/${account.name}`
    const args = ['show-user', '--property=Linger,Display,Sessions', '--', account.name]
    const [file, shown] = await Promise.all([host.stat(path), known(host.run('loginctl', args))])
    const said = shown.known && shown.value?.code === 0 ? shown.value.stdout : null
    const property = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(said ?? '')?.[1] ?? null
    const session = property('Display')
    const seatArgs = ['show-session', '--property=Seat,Type,Remote', '--', session ?? '']
    const seat = session ? await known(host.run('loginctl', seatArgs)) : null
    const seatText = seat?.known && seat.value?.code === 0 ? seat.value.stdout : ''
    return {
      user: account.name,
      uid: account.uid,
      on: file !== null,
      seated: said === null ? null : /^Seat=./m.test(seatText) || /^Type=(x11|wayland|mir)$/m.test(seatText),
      sessions: said === null ? null : (property('Sessions') ?? '').split(' ').filter(Boolean),
      source: question.stat(path),
      sessionSource: question.run('loginctl', args),
    }
  },
}
