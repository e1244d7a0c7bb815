import { defineCheck, question, type Evidence, type Finding, type Fix } from '../../src/index.ts'
import { configuredEnvironment } from '../../src/facts/environment-configured.ts'
import { knownVariable } from '../../src/facts/environment-variables.ts'
import { unitState } from '../../src/facts/unit-state.ts'

export default defineCheck({
  id: 'service/variable-not-expanded',
  title: 'A variable is written as for a shell, which systemd is not',
  docs: {
    what: 'Finds $NAME, ${NAME} and ~ in the values of Environment= and EnvironmentFile=, and lines that begin with “export”.',
    why: 'systemd puts no variables into values and knows no ~: LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH names a relative folder called $LD_LIBRARY_PATH. A line with “export” is dropped whole.',
    remedy: 'Write the value out. In unit files %h stands for the home of the manager’s user and %t for its runtime folder.',
    links: ['https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#Environment', 'https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Specifiers'],
  },
  fixes: 'sometimes',
  needs: { environment: configuredEnvironment, unit: unitState },
  run({ environment, unit }): readonly Finding[] {
    const fromUnit = environment.settings.map((each) => ({ ...each, environmentFile: false }))
    const fromFiles = environment.files.flatMap(({ found }) =>
      found.known ? found.value.flatMap(({ path, variables }) => variables.map(({ name, value, line }) => ({ name, value, file: path, line, raw: `${name}=${value}`, environmentFile: true }))) : [],
    )
    // An assignment that a later line overrides does no harm.
    const last = new Map([...fromUnit, ...fromFiles].map((each) => [each.name, each]))
    const findings: Finding[] = []
    for (const each of last.values()) {
      const exported = /^export\s+(\w+)$/.exec(each.name)?.[1]
      const source = `${question.read(each.file)}:${each.line}`
      if (exported !== undefined) {
        findings.push({
          severity: 'warning',
          confidence: 'certain',
          cause: `systemd drops the line that begins with “export ${exported}=” in ${each.file}:${each.line}, since it is no shell, so ${exported} is not set by it.`,
          evidence: [{ source, saw: `export ${exported}=…` }],
          fixes: [{ title: `Take the word “export” out of ${each.file}:${each.line}`, safety: 'manual', edits: [], then: [restart(unit?.name, unit?.scope)] }],
        })
        continue
      }
      const literal = literalOf(each.name, each.value)
      if (literal === null) continue
      const evidence: [Evidence, ...Evidence[]] = [{ source, saw: `${each.name}=${each.value}` }]
      findings.push({
        severity: each.name === 'LD_LIBRARY_PATH' || each.name === 'PATH' ? 'warning' : knownVariable(each.name, each.value)?.matters ? 'warning' : 'info',
        confidence: 'certain',
        cause: `${each.name} holds “${literal}” as it stands, because systemd puts neither variables nor home folders into values (${each.file}:${each.line}).`,
        evidence,
        fixes: fixesFor(each, unit),
      })
    }
    for (const { word, assignment } of environment.dropped) {
      if (word !== 'export') continue
      findings.push({
        severity: 'warning',
        confidence: 'certain',
        cause: `The word “export” in Environment= is no assignment, and systemd drops it (${assignment.file}:${assignment.line}).`,
        evidence: [{ source: `${question.read(assignment.file)}:${assignment.line}`, saw: assignment.raw.trim() }],
        fixes: [{ title: `Take the word “export” out of ${assignment.file}:${assignment.line}`, safety: 'manual', edits: [], then: [restart(unit?.name, unit?.scope)] }],
      })
    }
    return findings
  },
})

/** Variables that name files and folders; in others a dollar may be meant for the program. */
const PATHS = /(^|_)(PATH|DIR|HOME|CACHE|FILE|ROOT|PREFIX|FOLDER|LIB|MODEL)$/
/** ld.so(8) itself expands these three. */
const LOADER = /^\$\{?(ORIGIN|LIB|PLATFORM)\}?$/

/** The part that was meant for a shell; null = none. */
function literalOf(name: string, value: string): string | null {
  // huggingface_hub and torch.hub put variables and ~ into their folders themselves.
  const known = knownVariable(name, value)
  if (known?.group === 'models' || (!PATHS.test(name) && !known?.matters)) return null
  const dollar = value.match(/\$(\{[A-Za-z_]\w*\}|[A-Za-z_]\w*)/g)?.find((word) => !(name.startsWith('LD_') && LOADER.test(word)))
  if (dollar !== undefined) return dollar
  return /(^|:)~(\/|$|:)/.test(value) ? '~' : null
}

const restart = (unit: string | undefined, scope: string | undefined): string => `systemctl ${scope === 'user' ? '--user ' : ''}restart ${unit ?? ''}`.trim()

/** Where only whole elements of a list are to blame, the list without them is what the service can use today. */
function fixesFor({ name, value, file, environmentFile }: { name: string; value: string; file: string; environmentFile: boolean }, unit: { readonly name: string; readonly scope: 'system' | 'user' } | null): readonly Fix[] {
  const kept = value.split(':').filter((element) => element !== '' && !/\$|^~/.test(element))
  const isList = name.endsWith('PATH') && value.includes(':') && kept.length > 0
  if (unit === null || !isList) return [{ title: `Write the value of ${name} out in full`, safety: 'manual', edits: [], then: [] }]
  const flag = unit.scope === 'user' ? '--user ' : ''
  return [
    {
      title: `Set ${name} to the folders that are written out: ${kept.join(':')}`,
      safety: 'risky',
      // A file of EnvironmentFile= overrides every Environment=, so the cure must be made in the file.
      edits: environmentFile
        ? [{ kind: 'env-file', path: file, set: { [name]: kept.join(':') } }]
        : [{ kind: 'unit-drop-in', unit: unit.name, scope: unit.scope, set: [{ section: 'Service', key: 'Environment', value: `${name}=${kept.join(':')}` }] }],
      then: [`systemctl ${flag}daemon-reload`, `systemctl ${flag}restart ${unit.name}`],
    },
  ]
}
