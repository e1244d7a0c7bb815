/** Every noun of the doctor, as data. This file imports nothing. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type Env = Readonly<Record<string, string>>

/** A thing that is either known or, for a stated reason, is not. `how` says what to do to learn it. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly because: string; readonly how: string | null }

// ── the machine ────────────────────────────────────────────────────────────────────────────────────────────

export type Scope = 'system' | 'user'

/** What the user asked us to look at. A shell with `files` is nothing but these files, which may come from another machine. */
export type Target = (
  | { readonly kind: 'shell' }
  | { readonly kind: 'unit'; readonly name: string; readonly scope: Scope }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'python'; readonly path: string }
  | { readonly kind: 'library'; readonly path: string }
) & { readonly files?: Files; readonly probe?: Probing }

/** Files given along with the target: what it wrote, and what it loads. Absolute paths. */
export interface Files {
  readonly logs: readonly string[]
  readonly profiles: readonly string[]
  readonly models: readonly string[]
}

/** Its engine is to be tried once more in its place, or its endpoint to be asked in the engine's stead; for at most so long. */
export interface Probing {
  readonly seconds: number
  readonly url?: string
}

export type Digested = 'model' | 'log' | 'profile' | 'gpu-code'

export interface Platform {
  readonly os: 'linux' | 'darwin' | 'win32' | 'other'
  readonly arch: string
  readonly release: string
}

/** Who asks: the credentials of the doctor's own process. */
export interface Caller {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly user: string
  readonly home: string
}

export interface Stat {
  readonly type: 'file' | 'directory' | 'symlink' | 'socket' | 'fifo' | 'char' | 'block' | 'other'
  /** Permission bits only, e.g. 0o644. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** `[major, minor]` of a device node, else null. */
  readonly device: readonly [number, number] | null
}

export interface Output {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Files read twice, `elapsedMs` apart, all of them at the same two moments. null = no such file. */
export interface Watch {
  readonly elapsedMs: number
  readonly before: readonly (string | null)[]
  readonly after: readonly (string | null)[]
}

/** What a shared object or program asks of the dynamic loader, read from its bytes. Nothing is executed. */
export type Linkage =
  | {
      readonly format: 'elf'
      readonly bits: 32 | 64
      /** ELF e_machine by its common name: x86_64, aarch64, i386 … */
      readonly machine: string
      readonly interpreter: string | null
      readonly soname: string | null
      readonly needed: readonly string[]
      /** DT_RPATH and DT_RUNPATH as written, unexpanded; null = tag absent. */
      readonly rpath: string | null
      readonly runpath: string | null
      /** DF_1_NODEFLIB: default directories are not searched. */
      readonly noDefaultDirs: boolean
      /** Symbol versions needed of each library, and those this file defines (ELF verneed and verdef). */
      readonly versionsNeeded: readonly { readonly file: string; readonly versions: readonly string[] }[]
      readonly versionsDefined: readonly string[]
      readonly sizeBytes: number
    }
  | {
      readonly format: 'broken'
      readonly problem: 'empty' | 'too-short' | 'lfs-pointer' | 'truncated' | 'linker-script' | 'not-elf'
      readonly sizeBytes: number
      /** What the ELF header says, where only the rest is broken. ld.so passes over a foreign file before it sees the rest. */
      readonly header?: { readonly bits: 32 | 64; readonly machine: string }
    }

/** In whose place a program is asked: environment, credentials, mount namespace. `name` stands in the question. */
export interface Identity {
  readonly name: string
  readonly env: Env
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Enter this process's mount namespace; null = stay in the caller's. */
  readonly namespaceOf: number | null
  readonly cwd: string | null
}

export interface RunOptions {
  readonly as?: Identity
  /** Given on standard input. Its name stands in the question, its text does not. */
  readonly input?: { readonly name: string; readonly text: string }
  /** A tighter limit than the deadline of the whole run, for a program that may hang by itself. No part of the question. */
  readonly limitMs?: number
}

/**
 * The only door to a machine. A question is a verb and string arguments; an answer is plain JSON. null = "no such
 * thing"; a thrown CannotSee = "it cannot be known here, for this reason".
 *
 * A path that begins with `/proc/PID/root/` is resolved *inside* that process's root and mount namespace: absolute
 * symbolic links stay inside it (the kernel alone would resolve them against the caller's root).
 */
export interface Host {
  target(): Promise<Target>
  platform(): Promise<Platform>
  caller(): Promise<Caller>
  /** The environment of the shell that invoked the doctor. */
  environment(): Promise<Env>
  /** Text of a file, at most 8 MiB (a longer one: CannotSee). Bytes that are not UTF-8 become U+FFFD. */
  read(path: string): Promise<string | null>
  list(directory: string): Promise<readonly string[] | null>
  /** Follows symbolic links. */
  stat(path: string): Promise<Stat | null>
  /** The path with every symbolic link followed; null = dangling or absent. Keeps a `/proc/PID/root` prefix. */
  realpath(path: string): Promise<string | null>
  readlink(path: string): Promise<string | null>
  linkage(file: string): Promise<Linkage | null>
  /**
   * What the doctor needs of a file too large to be read whole: a `model` without its weights (src/onnx/types.ts), the lines
   * of a `log` that mean something (src/log/types.ts), the sums of a `profile` (src/profile/types.ts), the architectures of the
   * `gpu-code` in a library (src/elf/gpu-code.ts). A log may also be `journal:SCOPE:UID:UNIT:SINCE`. null = there is no such thing.
   */
  digest(kind: Digested, source: string): Promise<Json>
  /** Reads all files, waits, reads them again. */
  watch(durationMs: number, ...paths: readonly string[]): Promise<Watch>
  /** Never a shell; time-limited; output-limited; LC_ALL=C. null = no such program. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<Output | null>
  /**
   * What a library or a sweep knows: `cpu` (systeminformation), `nvidia` (node-nvidia-smi in a bounded child), `speech`
   * (processes and services that load a speech runtime).
   */
  inventory(topic: 'cpu' | 'nvidia' | 'speech'): Promise<Json>
  /**
   * Sends known speech to a transcription endpoint for at most so long, and watches the processes of the service meanwhile: those
   * of its main process, null = none is known, and of its unit, null = it is none (src/probe/endpoint.ts).
   */
  transcribe(url: string, seconds: number, main: number | null, unit: string | null): Promise<Json>
}

// ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Fetches another fact; each is gathered once a run. */
export type Use = <T>(fact: Fact<T>) => Promise<T>

/** A named thing worth knowing, and how to find it out. Throwing CannotSee means "cannot be known here". */
export interface Fact<T> {
  readonly id: string
  readonly about: string
  gather(host: Host, use: Use): Promise<T>
}

export type Needs = Readonly<Record<string, Fact<any>>>
export type FactsOf<N extends Needs> = { readonly [K in keyof N]: N[K] extends Fact<infer T> ? Immutable<T> : never }
export type Immutable<T> = T extends (infer U)[] ? readonly Immutable<U>[] : T extends object ? { readonly [K in keyof T]: Immutable<T[K]> } : T

// ── judgement ──────────────────────────────────────────────────────────────────────────────────────────────

export type Severity = 'error' | 'warning' | 'info'
export type Confidence = 'certain' | 'likely' | 'possible'
export type CheckId = `${string}/${string}`

/** `source` is a question as it was asked (see question.ts), optionally followed by `:LINE`; `saw` is what it showed. */
export interface Evidence {
  readonly source: string
  readonly saw: string
}

export interface Refutation {
  readonly hypothesis: string
  readonly because: string
}

export interface Finding {
  readonly severity: Severity
  readonly confidence: Confidence
  /** One whole sentence, ending in a full stop. */
  readonly cause: string
  readonly evidence: readonly [Evidence, ...Evidence[]]
  readonly refuted?: readonly Refutation[]
  readonly fixes: readonly Fix[]
}

/** What `run` of a check may return besides findings. An empty list of findings is health. */
export type Verdict =
  | readonly Finding[]
  | { readonly status: 'unknown'; readonly because: string; readonly how: string | null }
  | { readonly status: 'not-applicable'; readonly because: string }

export type Outcome =
  | { readonly status: 'passed' }
  | { readonly status: 'found'; readonly findings: readonly Finding[] }
  | { readonly status: 'unknown'; readonly because: string; readonly how: string | null }
  | { readonly status: 'not-applicable'; readonly because: string }
  | { readonly status: 'crashed'; readonly error: string }

export interface CheckDocs {
  /** What the check looks at and finds. */
  readonly what: string
  /** Why it matters to speech recognition. */
  readonly why: string
  readonly remedy: string
  readonly links: readonly string[]
}

export interface Check<N extends Needs = Needs> {
  readonly id: CheckId
  /** The failing state, present tense. */
  readonly title: string
  readonly docs: CheckDocs
  readonly on?: readonly Platform['os'][]
  readonly fixes: 'always' | 'sometimes' | 'never'
  readonly needs: N
  /** Synchronous and pure: it sees nothing but the facts. */
  run(facts: FactsOf<N>): Verdict
}

export interface Plugin {
  readonly name: string
  readonly checks: readonly Check<any>[]
}

// ── cures ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface Fix {
  readonly title: string
  readonly safety: 'safe' | 'risky' | 'manual'
  readonly edits: readonly Edit[]
  /** Commands or steps for after the edit, in order. */
  readonly then: readonly string[]
}

/** What should hold, as data. */
export type Edit =
  | { readonly kind: 'unit-drop-in'; readonly unit: string; readonly scope: Scope; readonly set: readonly Directive[] }
  | { readonly kind: 'env-file'; readonly path: string; readonly set: Env }
  | { readonly kind: 'shell-profile'; readonly set: Env }
  | { readonly kind: 'line'; readonly file: string; readonly line: number; readonly before: string; readonly after: string | null }
  | { readonly kind: 'windows-path'; readonly hive: 'user' | 'machine'; readonly add: readonly string[] }
  /** Text for a file of the user's own that we cannot know: shown, never written. */
  | { readonly kind: 'snippet'; readonly for: 'docker' | 'compose' | 'podman' | 'kubernetes'; readonly text: string }

export interface Directive {
  readonly section: 'Unit' | 'Service'
  readonly key: string
  /** The value meant, before systemd quoting; an Environment value is `NAME=value`. Empty resets the key. */
  readonly value: string
  /** A variable that holds a list of folders (LD_LIBRARY_PATH, PATH) is extended, unless the value is to stand alone. */
  readonly replaces?: true
}

/**
 * An edit after it has met a machine. Diff, simulation, applying and undoing know only this. `target` is a file, or a
 * registry value; null = there is none.
 */
export interface Change {
  readonly target: string
  readonly before: string | null
  readonly after: string | null
}

// ── report ─────────────────────────────────────────────────────────────────────────────────────────────────

/** One row of the environment matrix. null = not set; undefined never occurs; `?` is never used for unknown. */
export interface EnvironmentRow {
  readonly name: string
  readonly shell: string | null
  readonly configured: string | null
  readonly running: string | null
  readonly matters: boolean
  readonly because: string
}

export interface Summary {
  readonly errors: number
  readonly warnings: number
  readonly infos: number
  readonly unknown: number
  readonly crashed: number
  readonly exitCode: 0 | 1 | 2 | 3
}

/**
 * Whether the work is done on the GPU, and how that is known: T0 requested, T1 libraries present, T2 provider registered, T3
 * memory allocated, T4 nodes placed, T5 work timed on the GPU, T6 right text at the wanted speed. `true` only from T4 up.
 */
export interface GpuVerdict {
  readonly onGpu: boolean | null
  readonly tier: 'T0' | 'T1' | 'T2' | 'T3' | 'T4' | 'T5' | 'T6' | null
  /** Whole sentences. */
  readonly because: string
}

/** A possible cause of what is seen, and how far it is decided. */
export interface Hypothesis {
  readonly id: string
  /** One whole sentence. */
  readonly claim: string
  readonly state: 'confirmed' | 'refuted' | 'undetermined'
  readonly evidence: readonly Evidence[]
  /** Why the evidence refutes it, or what it leaves open. */
  readonly because?: string
  /** The command that decides an undetermined one. */
  readonly decideBy?: string
}

export interface Report {
  readonly target: Target
  /** The main process examined, when there is one. */
  readonly pid: number | null
  readonly outcomes: ReadonlyMap<CheckId, Outcome>
  /** Ids whose findings are shown but do not count. */
  readonly allowed: ReadonlySet<CheckId>
  readonly environment: readonly EnvironmentRow[]
  readonly verdict: GpuVerdict
  readonly hypotheses: readonly Hypothesis[]
  readonly neighbours: readonly Neighbour[]
  readonly summary: Summary
}

/** A service or process that loads a speech runtime, and the words that examine it. */
export interface Neighbour {
  readonly name: string
  readonly pid: number | null
  readonly runtime: string
  readonly args: readonly string[]
}
