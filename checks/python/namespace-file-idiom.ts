import { defineCheck, type Evidence, type Finding, type Fix, type Refutation } from '../../src/index.ts'
import { fateOf, type Fate } from '../../src/facts/python-idiom.ts'
import { versionText, wheelOf } from '../../src/facts/python-modules.ts'
import { maybe } from '../../src/facts/maybe.ts'
import { and, wheelReach } from '../../src/facts/python-reach.ts'
import { replacementOf } from '../../src/facts/python-replacement.ts'
import type { PythonView } from '../../src/facts/python.ts'
import { sourceIdiom } from '../../src/facts/source-idiom.ts'
import type { IdiomLine } from '../../src/facts/source-scan.ts'

type Row = IdiomLine & { readonly fate: Fate }

export default defineCheck({
  id: 'python/namespace-file-idiom',
  title: 'The program looks for CUDA libraries through an attribute that NVIDIA wheels no longer have',
  docs: {
    what: "Lines of the service's own source (what was started and what it imports or starts) that take the folder of the CUDA libraries from `nvidia.….__file__`, or from the first entry of `nvidia.….__path__` alone, in a Python where that attribute is None, where the path has several entries, or where the package is laid out differently.",
    why: 'Wheels since about CUDA 12.9 ship no `__init__.py` (nvidia-cublas-cu12 12.8.4.1 has it, 12.9.0.13 has not; nvidia-cuda-runtime-cu12 12.9.37 has it, 12.9.79 has not), and neither do those of CUDA 13. Their packages are namespace packages (PEP 420): `__file__` is None, and `os.path.dirname` of it raises TypeError. A program that catches the error goes on without its library path, on the CPU.',
    remedy: 'Use every entry of `__path__`, which packages of both kinds have.',
    links: ['https://peps.python.org/pep-0420/', 'https://github.com/SYSTRAN/faster-whisper/issues/1459', 'https://docs.python.org/3/reference/datamodel.html#module.__file__'],
  },
  on: ['linux'],
  fixes: 'always',
  needs: { sourceIdiom, reach: maybe(wheelReach) },
  run({ sourceIdiom, reach }) {
    if (sourceIdiom === null) return { status: 'not-applicable', because: 'The service has no Python.' }
    const { scan, python } = sourceIdiom
    if (scan === null) return { status: 'not-applicable', because: 'No NVIDIA wheel is installed for the Python of this service.' }
    const source = scan.source
    const needed = reach.known && reach.value.engines.length > 0 ? reach.value.unreached.filter((one) => !one.optional) : null
    const allFound = reach.known && needed?.length === 0 && reach.value.unclear.length === 0
    const rows = scan.idioms.map((line) => ({ ...line, fate: fateOf(line, python.nvidia) })).filter((row) => row.fate.kind !== 'not-installed')
    if (rows.length === 0 && !scan.complete && !allFound) {
      return { status: 'unknown', because: `The search through the service's source stopped at a limit (${scan.stoppedBy}), and nothing was found up to there.`, how: "Search the rest by hand: grep -rn 'nvidia.*__file__' FOLDER" }
    }
    const faults = rows.filter((row) => row.fate.kind !== 'fragile')
    const fragile = rows.filter((row) => row.fate.kind === 'fragile')
    return [...(faults.length > 0 ? [fault(faults)] : []), ...(fragile.length > 0 ? [latent(fragile)] : [])]

    function fault(of: readonly Row[]): Finding {
      const [first] = of as [Row, ...Row[]]
      const isMissed = needed?.some((one) => one.homes.some((home) => of.some((row) => placesOf(row.fate).some((place) => home.directory === place || home.directory.startsWith(`${place}/`))))) ?? false
      const more = of.length === 1 ? '' : ` (and ${of.length - 1} more such ${of.length === 2 ? 'line' : 'lines'})`
      return {
        // Where every library is found all the same, the line has been worked around; where one that it should find is not, this is why.
        severity: isMissed ? 'error' : allFound ? 'info' : 'warning',
        confidence: isMissed ? 'certain' : 'likely',
        cause: `${first.file}:${first.line}${more} ${said(first, python)}`,
        evidence: [...linesOf(of, source), ...factsOf(of, python)] as [Evidence, ...Evidence[]],
        refuted: refutedBy(of, python),
        fixes: fixesOf(of, python),
      }
    }

    function latent(of: readonly Row[]): Finding {
      const [first] = of as [Row, ...Row[]]
      return {
        severity: 'info',
        confidence: 'certain',
        cause: `${first.file}:${first.line}${of.length === 1 ? '' : ` (and ${of.length - 1} more)`} relies on ${first.attribute === '__file__' ? `${first.module}.__file__, which the installed wheel still has and newer wheels do not` : `the first entry of ${first.module}.__path__, which is the only one as the wheels are installed now`}.`,
        evidence: [...linesOf(of, source), ...factsOf(of, python)] as [Evidence, ...Evidence[]],
        fixes: fixesOf(of, python),
      }
    }
  },
})

function said(row: Row, python: PythonView): string {
  const { fate, module } = row
  if (fate.kind === 'no-file') {
    const value = python.version[1] <= 6 && python.version[0] === 3 ? 'there is no such attribute' : 'it is None'
    return `takes the folder of the libraries from ${module}.__file__, and ${value}: ${and(fate.path)} ${fate.path.length === 1 ? 'holds' : 'hold'} no __init__.py.`
  }
  if (fate.kind === 'first-only') return `takes only the first entry of ${module}.__path__, which has ${fate.path.length}: ${and(fate.path)}.`
  return `imports ${module}, which cannot be imported here, and its libraries lie in ${and(fate.kind === 'not-importable' ? fate.elsewhere : [])}.`
}

const placesOf = (fate: Fate): readonly string[] => (fate.kind === 'no-file' || fate.kind === 'first-only' ? fate.path : fate.kind === 'not-importable' ? fate.elsewhere : [])

const linesOf = (of: readonly Row[], source: string): readonly Evidence[] => of.slice(0, 6).map((row) => ({ source, saw: `${row.file}:${row.line}: ${row.text.trim().slice(0, 200)}` }))

function factsOf(of: readonly Row[], python: PythonView): readonly Evidence[] {
  const facts = new Set<string>()
  for (const { fate, module } of of) {
    if (fate.kind === 'no-file') for (const path of fate.path) facts.add(`${path}: no __init__.py${wheelText(path, module, python)}`)
    if (fate.kind === 'first-only') facts.add(`${module}.__path__ = ${fate.path.join(', ')}`)
    if (fate.kind === 'not-importable') for (const path of fate.elsewhere) facts.add(path)
    if (fate.kind === 'fragile') facts.add(fate.module.kind === 'regular' ? `${fate.module.file}${wheelText(fate.module.file, module, python)}` : fate.module.kind === 'namespace' ? `${module}.__path__ = ${fate.module.path.join(', ')}` : module)
  }
  return [...facts].slice(0, 6).map((saw) => ({ source: python.source, saw }))
}

function wheelText(path: string, module: string, python: PythonView): string {
  const wheel = wheelOf(python, path.slice(0, path.lastIndexOf('/nvidia')), module.split('.')[1] ?? '')
  return wheel === null ? '' : ` (${wheel})`
}

function refutedBy(of: readonly Row[], python: PythonView): readonly Refutation[] {
  const bare = of.find((row) => row.fate.kind === 'no-file')
  const several = of.find((row) => (row.fate.kind === 'no-file' || row.fate.kind === 'first-only') && row.fate.path.length > 1)
  return [
    ...(bare !== undefined && bare.fate.kind === 'no-file'
      ? [
          {
            hypothesis: 'Python 3.13 changed __file__ of namespace packages.',
            because: `This is Python ${versionText(python)}, and a package without __init__.py has had no file in every version: the attribute is missing up to 3.6 and None from 3.7 on. What changed is the wheel${wheelText(bare.fate.path[0]!, bare.module, python)}, which ships no __init__.py.`,
          },
        ]
      : []),
    ...(several !== undefined && (several.fate.kind === 'no-file' || several.fate.kind === 'first-only')
      ? [{ hypothesis: `Taking ${several.module}.__path__[0] instead is enough.`, because: `It has ${several.fate.path.length} entries here.` }]
      : []),
  ]
}

function fixesOf(of: readonly Row[], python: PythonView): readonly Fix[] {
  const lines = new Map(of.map((row) => [`${row.file}:${row.line}`, row]))
  const fixes = [...lines.values()].slice(0, 6).map((row): Fix => {
    const after = row.fate.kind === 'not-importable' ? null : linesAfter(row, of)
    const place = `${row.file}:${row.line}`
    if (after !== null) {
      return {
        title: `Name every entry of __path__ in ${place}`,
        safety: 'risky',
        edits: [{ kind: 'line', file: row.file, line: row.line, before: row.text, after }],
        then: ['The value may now be several folders, joined by os.pathsep: where it is split further on or a folder name is added to it, do that for each.'],
      }
    }
    if (row.fate.kind === 'not-importable') {
      return { title: `Look for the libraries by their file names in ${place}`, safety: 'manual', edits: [], then: [`${row.module} is not a package of these wheels. This finds the folders of every layout: ${EVERY_LAYOUT}`] }
    }
    return { title: `Use every entry of __path__ in ${place}`, safety: 'manual', edits: [], then: [`Replace the one folder by all of them: for folder in ${row.module}.__path__: …`] }
  })
  return python.nvidia.libraryDirs.length === 0 || fixes.some((fix) => fix.edits.length > 0 || fix.then[0]?.includes(EVERY_LAYOUT)) ? fixes : [...fixes, { title: 'Or look for the libraries by their file names', safety: 'manual', edits: [], then: [EVERY_LAYOUT] }]
}

/** All replacements of one line, one after the other: a line often asks for cuBLAS and cuDNN at once. */
function linesAfter(row: Row, of: readonly Row[]): string | null {
  let text = row.text
  for (const one of of.filter((other) => other.file === row.file && other.line === row.line)) {
    const after = replacementOf({ ...one, text })
    if (after === null) return null
    text = after
  }
  return text
}

const EVERY_LAYOUT = `import glob, os, importlib.util; folders = sorted({os.path.dirname(f) for root in importlib.util.find_spec("nvidia").submodule_search_locations for f in glob.glob(os.path.join(root, "**", "*.so*"), recursive=True)})`
