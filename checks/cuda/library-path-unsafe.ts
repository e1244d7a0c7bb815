import { defineCheck, question, type Finding, type Fix } from '../../src/index.ts'
import { container } from '../../src/facts/container.ts'
import { context } from '../../src/facts/context.ts'
import { searchPath } from '../../src/facts/loader.ts'
import { target } from '../../src/facts/target.ts'
import { unitState } from '../../src/facts/unit-state.ts'
import type { Suspect } from '../../src/loader/search-path.ts'
import { list, pathFix, verb } from './words.ts'

export default defineCheck({
  id: 'cuda/library-path-unsafe',
  title: 'LD_LIBRARY_PATH has elements that do not mean what they seem to',
  docs: {
    what: 'Reads LD_LIBRARY_PATH as ld.so does: an empty element is the working directory, and `$VARIABLE`, `~`, quotes and relative names are taken letter by letter. A directory that exists under such a name is meant.',
    why: 'An empty or relative element makes whatever lies in the working directory a library of the service, even a libc.so.6; an element that was meant to be expanded leads nowhere.',
    remedy: 'Write whole directories, without a colon at either end. systemd expands no variables in Environment=.',
    links: ['man:ld.so(8)', 'man:systemd.exec(5)'],
  },
  on: ['linux'],
  fixes: 'sometimes',
  needs: { searchPath, place: context, target, unit: unitState, container },
  run: ({ searchPath, place, target, unit, container }) => {
    const { value, source, ignored } = searchPath
    if (value === null || ignored !== null) return []
    // In a shell a trailing colon is the usual leftover of LD_LIBRARY_PATH=/x:$UNSET and concerns nobody's service.
    const service = target.kind === 'unit' || target.kind === 'pid'
    const suspects = searchPath.suspects.filter(({ fault }) => service || fault !== 'empty')
    if (suspects.length === 0) return []
    const entries = value.split(/[:;]/)
    const kept = entries.filter((element) => !suspects.some((suspect) => suspect.element === element))
    const local = suspects.filter(({ fault }) => fault === 'empty' || fault === 'relative')
    const relative = suspects.some(({ fault }) => fault === 'relative')
    const unsure = suspects.filter((suspect) => suspect.unsure !== null)
    const finding: Finding = {
      severity: 'warning',
      confidence: unsure.length === suspects.length ? 'possible' : 'certain',
      cause: [`In LD_LIBRARY_PATH ${list(suspects.map(meaning))}.`, ...unsure.map(({ element, unsure }) => `Whether “${element}” exists cannot be known here: ${unsure}`)].join(' '),
      evidence: [{ source, saw: `LD_LIBRARY_PATH=${value}` }, ...(local.length > 0 && place.cwd !== null ? [{ source: cwdSource(source), saw: place.cwd }] : [])],
      ...(suspects.some(({ fault }) => fault === 'variable') ? { refuted: [{ hypothesis: 'The variable was set, so its value is in use.', because: 'ld.so expands only $ORIGIN, $LIB and $PLATFORM; systemd expands nothing in Environment=.' }] } : {}),
      fixes: [alone(pathFix({ target, unit, container }, kept.join(':'), `Take ${verb(suspects, 'that element', 'those elements')} out of LD_LIBRARY_PATH`, relative || unsure.length > 0 ? 'risky' : 'safe'))],
    }
    return [finding]
  },
})

/** What is taken out must not come back as what stood there before. */
const alone = (fix: Fix): Fix => ({ ...fix, edits: fix.edits.map((edit) => (edit.kind === 'unit-drop-in' ? { ...edit, set: edit.set.map((directive) => ({ ...directive, replaces: true as const })) } : edit)) })

/** The working directory was read from the process that the environment was read from. */
const cwdSource = (source: string): string => question.readlink(/\/proc\/(\w+)\/environ$/.exec(source) ? `/proc/${/\/proc\/(\w+)\/environ$/.exec(source)![1]}/cwd` : '/proc/self/cwd')

const meaning = ({ element, fault }: Suspect): string =>
  ({
    empty: 'an empty element stands for the working directory',
    variable: `“${element}” is a directory of that very name, not a variable's value`,
    tilde: `“${element}” is a directory of that very name, not a home folder`,
    glob: `“${element}” is taken letter by letter, the * and ? as well`,
    quote: `“${element}” has a quotation mark in its name`,
    relative: `“${element}” is taken from the working directory`,
  })[fault]
