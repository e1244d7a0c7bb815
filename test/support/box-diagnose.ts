import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { CheckId, Env, Outcome, Target } from '../../src/types.ts'
import type { Answer } from '../../src/host/replay.ts'
import { NODE, REPOSITORY, type Box } from './box.ts'

/** One examination inside a box: the checks and facts of `modules`, of which `checks` and `facts` name some. */
export interface Job {
  readonly target: Target
  /** Ids or families; absent = all that the modules export. */
  readonly checks?: readonly string[]
  /** Fact ids to hand back; absent = none. */
  readonly facts?: readonly string[]
}

export interface Seen {
  readonly outcomes: ReadonlyMap<CheckId, Outcome>
  /** Each fact asked for: its value, or the name and words of what it threw. */
  readonly facts: Readonly<Record<string, { readonly value: any } | { readonly error: string; readonly because: string; readonly how: string | null }>>
  readonly log: ReadonlyMap<string, Answer>
  readonly durationMs: number
}

export interface Where {
  /** Run the doctor as this user, in a login session's environment; absent = root. */
  readonly user?: string
  /** Variables of the shell that calls the doctor, on top. */
  readonly env?: Env
  readonly limitMs?: number
}

/** Paths below the repository, such as `checks/service/index.ts`; whatever they export that is a check or a fact is known. */
export type Modules = readonly string[]

const bundles = new Map<string, Promise<string>>()
const installed = new WeakMap<Box, Set<string>>()

/** Judges a target inside a box, with the real machine below. */
export async function diagnoseInBox(box: Box, target: Target, modules: Modules, where: Where = {}): Promise<Seen> {
  const [seen] = await examineInBox(box, [{ target }], modules, where)
  return seen!
}

/** Several examinations one after another in one process: a start of Node costs more than an examination. */
export async function examineInBox(box: Box, jobs: readonly Job[], modules: Modules, where: Where = {}): Promise<readonly Seen[]> {
  const key = modules.join('\n')
  const code = await (bundles.get(key) ?? bundles.set(key, bundled(modules)).get(key)!)
  const there = installed.get(box) ?? installed.set(box, new Set()).get(box)!
  const number = [...bundles.keys()].indexOf(key)
  const file = `/run/asr-doctor-test/examine-${number}.mjs`
  if (!there.has(key)) {
    box.script(`install -d -m 755 /run/asr-doctor-test\ncat >${file} <<'END_OF_BUNDLE'\n${code}\nEND_OF_BUNDLE\n`)
    there.add(key)
  }
  const command = [
    'env', ...Object.entries(where.env ?? {}).map(([name, value]) => `${name}=${value}`),
    NODE, file, JSON.stringify({ jobs, limitMs: where.limitMs ?? 10_000 }),
  ]
  const ran = where.user === undefined ? box.run(...command) : box.runAs(where.user, ...command)
  if (ran.code !== 0) throw new Error(`the examination in the box failed (${ran.code}):\n${ran.stderr}\n${ran.stdout.slice(-2000)}`)
  const answers = JSON.parse(ran.stdout) as { outcomes: [CheckId, Outcome][]; facts: Seen['facts']; log: [string, Answer][]; durationMs: number }[]
  return answers.map(({ outcomes, facts, log, durationMs }) => ({ outcomes: new Map(outcomes), facts, log: new Map(log), durationMs }))
}

async function bundled(modules: Modules): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'asr-doctor-examine-'))
  try {
    const outfile = join(folder, 'examine.mjs')
    await build({
      stdin: {
        contents: `${modules.map((path, at) => `import * as m${at} from ${JSON.stringify(`./${path}`)}`).join('\n')}
import { examine } from './test/support/box-examine.ts'
await examine([${modules.map((_, at) => `m${at}`).join(', ')}], JSON.parse(process.argv[2]))`,
        resolveDir: REPOSITORY,
        loader: 'ts',
      },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      minify: true,
      external: ['onnxruntime-node'],
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    })
    return readFileSync(outfile, 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}
