import { CannotSee, DoesNotApply, known } from '../cannot-see.ts'
import { container } from '../facts/container.ts'
import { accountOf } from '../facts/unit-accounts.ts'
import { unitFiles } from '../facts/unit-files.ts'
import type { CheckId, Edit, Fix } from '../types.ts'
import { envFile } from './edits/env-file.ts'
import { between, copyOf, current, emptyDraft, put, type Draft, type PlannedChange } from './draft.ts'
import { lineEdits } from './edits/line.ts'
import { profile, profilePath, shellOf } from './edits/profile.ts'
import { Refused } from './refused.ts'
import { extended, isSearchList } from './edits/search-list.ts'
import type { Site } from './site.ts'
import { unitDropIn } from './unit-edit.ts'
import { refuseVendorEnvironment, refuseVendorUnit } from './vendor.ts'
import { PATH_VALUE, registryText, registryTextOf, windowsPath } from './edits/windows-path.ts'

/** One fix of one finding, on its way to becoming a change. */
export interface Wish {
  readonly check: CheckId
  /** Which finding of the check, by its cause. */
  readonly cause: string
  readonly fix: Fix
  /** Its folders stand before or behind those of the wishes before it; absent = nobody cares. */
  readonly place?: 'first' | 'last'
}

/** What one wish adds to the plan: its own changes, each from what the wishes before it have left. */
export interface Row {
  readonly wish: Wish
  readonly changes: readonly PlannedChange[]
}

export interface Plan {
  readonly rows: readonly Row[]
  /** One for each target, from what is there now to what is meant. */
  readonly changes: readonly PlannedChange[]
  readonly refused: readonly { readonly wish: Wish; readonly because: string }[]
}

/** Meets the wishes with the machine, in order. A wish that cannot be met whole is left out whole, with the reason. */
export async function plan(wishes: readonly Wish[], site: Site): Promise<Plan> {
  let draft = emptyDraft()
  const rows: Row[] = []
  const refused: Plan['refused'][number][] = []
  for (const wish of wishes) {
    const next = copyOf(draft)
    try {
      for (const edit of wish.fix.edits) await apply(edit, wish, next, site)
    } catch (error) {
      if (!(error instanceof Refused || error instanceof CannotSee || error instanceof DoesNotApply)) throw error
      refused.push({ wish, because: error.message })
      continue
    }
    rows.push({ wish, changes: between(draft, next) })
    draft = next
  }
  return { rows, changes: between(emptyDraft(), draft), refused }
}

async function apply(edit: Edit, wish: Wish, draft: Draft, site: Site): Promise<void> {
  switch (edit.kind) {
    case 'unit-drop-in':
      await refuseOutOfReach(edit, site)
      return unitDropIn(edit, wish, draft, site)
    case 'env-file': {
      await refuseVendorEnvironment(edit.path, site)
      const before = await current(draft, site, edit.path)
      return put(draft, edit.path, before, envFile(edit.set, before, edit.path), 'unit')
    }
    case 'shell-profile':
      return shellProfile(edit, draft, site)
    case 'line':
      return line(edit, draft, site)
    case 'windows-path': {
      const target = PATH_VALUE[edit.hive]
      const before = await current(draft, site, target)
      const env = await known(site.host.environment())
      const after = windowsPath(edit.add, before === null ? null : registryTextOf(before), env.known ? env.value : {})
      return put(draft, target, before, registryText(after), 'path')
    }
    case 'snippet':
      throw new Refused(`This belongs into a ${edit.for} file of your own; it is shown, and written by nobody but you.`)
  }
}

/** Limits hold for all below the unit's cgroup; everything else is for the process that the manager itself starts, and an engine makes its containers anew. */
async function refuseOutOfReach(edit: Extract<Edit, { kind: 'unit-drop-in' }>, site: Site): Promise<void> {
  const outside = edit.set.find(({ key }) => !/^(CPUQuota|CPUQuotaPeriodSec|CPUWeight|AllowedCPUs|Memory(Max|High|SwapMax)|TasksMax|After|Before|Wants|Requires)$/.test(key))
  const inside = outside === undefined ? null : await site.use(container)
  if (inside !== null) throw new Refused(`The process runs in a container of ${inside.engine}, which ${outside!.key}= of a unit does not reach.`)
}

async function shellProfile(edit: Extract<Edit, { kind: 'shell-profile' }>, draft: Draft, site: Site): Promise<void> {
  const [caller, env] = await Promise.all([site.host.caller(), site.host.environment()])
  const account = await known(accountOf(site.host, String(caller.uid)))
  const login = (account.known ? account.value?.shell : null) || env['SHELL'] || ''
  const shell = shellOf(login)
  if (shell === null) throw new Refused(login === '' ? 'Which shell you use is not known here.' : `The profile of ${login} is written in a language that is not known here.`)
  const file = profilePath(shell, caller.home, env)
  const before = await current(draft, site, file)
  // What the shell has is extended when it starts; a folder it has already is not named again.
  const set = Object.fromEntries(Object.entries(edit.set).map(([name, value]) => [name, isSearchList(name) ? extended(value, '') : value]))
  put(draft, file, before, profile(set, shell, before, file), 'path')
}

async function line(edit: Extract<Edit, { kind: 'line' }>, draft: Draft, site: Site): Promise<void> {
  const before = draft.texts.get(edit.file)?.before ?? (await site.host.read(edit.file))
  const files = await known(site.use(unitFiles)).catch((error: unknown) => {
    if (error instanceof DoesNotApply) return null
    throw error
  })
  const unit = files?.known && files.value.files.some(({ path }) => path === edit.file) ? files.value.unit : null
  if (unit !== null) await refuseVendorUnit(edit.file, site)
  const edits = [...(draft.lines.get(edit.file) ?? []), edit]
  put(draft, edit.file, before, lineEdits(edits, before, edit.file), unit === null ? 'source' : 'unit', unit)
  draft.lines.set(edit.file, edits)
}
