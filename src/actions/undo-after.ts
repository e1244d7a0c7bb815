import { existsSync } from 'node:fs'
import { known } from '../cannot-see.ts'
import { unitStateOf } from '../facts/unit-state.ts'
import { runSteps, settled } from '../fix/after.ts'
import type { Run } from '../fix/journal.ts'
import { stepsOf } from '../fix/steps.ts'
import { hostOf } from '../host/host.ts'
import { realMachine } from '../host/real.ts'
import type { Io } from '../io.ts'
import { clean } from '../report/clean.ts'

/** The managers of the units whose files were taken back must read them again: each unit's own, for several users may have one of that name. */
export async function takeEffect(which: readonly Run[], restart: boolean, io: Io): Promise<number> {
  const units = which.flatMap(({ target, managerUid }) => (target?.kind === 'unit' ? [{ ...target, managerUid }] : []))
  let code = 0
  for (const unit of new Map(units.map((each) => [`${each.scope} ${each.managerUid} ${each.name}`, each])).values()) {
    const state = await known(unitStateOf(hostOf(realMachine(unit, Date.now() + 10_000)), unit.name, unit.scope, unit.managerUid))
    const user = unit.scope === 'user' ? '--user ' : ''
    const then = [`systemctl ${user}daemon-reload`, `systemctl ${user}restart ${unit.name}`]
    // A manager that does not answer must not be taken for the caller's own.
    if (!state.known) {
      io.stderr.write(`asr-doctor: ${clean(state.because)} If it runs, it reads the files again after: ${then.join('; ')}.\n`)
      if (restart) code = 1
      continue
    }
    const steps = stepsOf(then, state.value)
    if (!restart) {
      io.stderr.write(`It takes effect after: ${steps.map(({ words }) => words).join('; ')}.\n`)
      continue
    }
    const { stopped, failed } = await runSteps(steps)
    for (const words of stopped) io.stderr.write(`${clean(words)}\n`)
    const trouble = failed ?? (await settled(state.value))
    if (trouble !== null) {
      io.stderr.write(`asr-doctor: ${clean(trouble)}.\n`)
      code = 1
    }
  }
  for (const { runId, user } of lingering(which)) io.stderr.write(`Lingering of ${clean(user)}, a step of run ${runId}, is on: loginctl disable-linger ${clean(user)} turns it off, if nothing else needs it.\n`)
  return code
}

/** loginctl(1) leaves a file of the user's name. Who else relies on it by now, only a person knows. */
const lingering = (which: readonly Run[]) =>
  which.flatMap(({ runId, then }) => then.flatMap((words) => /^loginctl enable-linger ([A-Za-z0-9._@-]+)/.exec(words)?.[1] ?? []).filter((user) => existsSync(`/var/lib/systemd/linger/${user}`)).map((user) => ({ runId, user })))
