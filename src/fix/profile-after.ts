import { envOf } from '../facts/proc.ts'
import { target } from '../facts/target.ts'
import { gatherer } from '../gather.ts'
import { hostOf, type Ask } from '../host/host.ts'
import type { Instead } from '../host/overlay.ts'
import type { Env, Json } from '../types.ts'
import { extended, isSearchList } from './edits/search-list.ts'
import { withPath } from './edits/windows-path.ts'
import { heeds, inItsPlace } from './identity-after.ts'
import type { Plan } from './plan.ts'

/**
 * A new shell would read the profile, and a new program of Windows the registry's PATH: its variables are then those of whoever
 * calls the doctor, and those of the process that is examined once it is started again from there.
 */
export async function profileAfter(machine: Ask, { rows }: Plan): Promise<Instead> {
  const edits = rows.flatMap(({ wish }) => wish.fix.edits).filter((edit) => edit.kind === 'shell-profile' || edit.kind === 'windows-path')
  if (edits.length === 0) return () => undefined
  const after = (env: Env): Env =>
    edits.reduce<Env>((now, edit) => (edit.kind === 'windows-path' ? withPath(edit.add, now) : { ...now, ...Object.fromEntries(Object.entries(edit.set).map(([name, value]) => [name, isSearchList(name) ? extended(value, now[name] ?? '') : value])) }), env)
  const host = hostOf(machine)
  const then = after(await host.environment())
  const asked = await gatherer(host)(target)
  const folder = asked.kind === 'pid' ? `/proc/${asked.pid}` : null
  const causes = [...new Set(rows.map(({ wish }) => wish.check))]
  const names = edits.flatMap((edit) => (edit.kind === 'shell-profile' ? Object.keys(edit.set) : ['PATH']))
  return (question, ask) => {
    if (question.verb === 'environment') return Promise.resolve(then as unknown as Json)
    if (folder !== null && question.verb === 'read' && question.args[0] === `${folder}/environ`) return ask(question).then((text) => (typeof text === 'string' ? Object.entries(after(envOf(text))).map(([name, value]) => `${name}=${value}\0`).join('') : text))
    if (question.verb !== 'run') return undefined
    const { as } = question.options ?? {}
    if (as !== undefined && as.name !== 'caller') return folder === null ? undefined : inItsPlace(question, ask, causes, names)
    if (!heeds(question.args[0]!, names)) return undefined
    // What the doctor asks for itself goes by its own environment, which is that of the shell as it is.
    const shell = as === undefined ? host.caller().then(({ uid, gid, groups }) => ({ name: 'caller', env: then, uid, gid, groups, namespaceOf: null, cwd: null })) : Promise.resolve(as)
    return shell.then((place) => inItsPlace({ ...question, options: { ...question.options, as: place } }, ask, causes, names))
  }
}
