/** The nouns of the loader model. */
import type { Linkage } from '../types.ts'

export type Elf = Linkage & { readonly format: 'elf' }

/** The rule by which a file was found; the order of ld.so(8). */
export type Rule = 'already-loaded' | 'path' | 'rpath' | 'LD_LIBRARY_PATH' | 'runpath' | 'ld.so.cache' | 'default'

/** The loader of one root: which it is and what it has built in. */
export interface LoaderSystem {
  readonly kind: 'glibc' | 'musl'
  /** The loader's own file. */
  readonly interpreter: string
  readonly bits: 32 | 64
  readonly machine: string
  /** What $LIB and $PLATFORM stand for. */
  readonly lib: string
  readonly platform: string
  /** Subdirectories of `glibc-hwcaps` that this processor may use, the best first. */
  readonly hwcaps: readonly string[]
  readonly defaultDirs: readonly string[]
  /** ld.so.cache in its own order; null = this loader reads none. */
  readonly cache: readonly CacheEntry[] | null
}

export interface CacheEntry {
  readonly soname: string
  /** As ldconfig prints them: `libc6`, `x86-64` … */
  readonly flags: readonly string[]
  readonly hwcap: string | null
  readonly path: string
}

/** What stands at a path, for the one who would open it. */
export type Look =
  | { readonly kind: 'absent' }
  | { readonly kind: 'dangling' | 'link-loop'; readonly to: string }
  | { readonly kind: 'directory' }
  | { readonly kind: 'unreadable'; readonly because: string }
  | { readonly kind: 'file'; readonly realpath: string; readonly linkage: Linkage }

/** A file the loader passes over without a word, although it has the name. */
export interface Skipped {
  readonly path: string
  readonly why: 'dangling' | 'link-loop' | 'unreadable' | 'other-class' | 'other-machine'
  readonly detail: string
}

/** One rule's directories, all of them without the file. `of` is the file whose RPATH or RUNPATH it is. */
export interface Tried {
  readonly rule: Rule
  readonly of: string | null
  readonly directories: readonly string[]
}

export type Search =
  | { readonly status: 'found'; readonly path: string; readonly realpath: string; readonly linkage: Elf; readonly rule: Rule; readonly of: string | null; readonly skipped: readonly Skipped[] }
  | { readonly status: 'missing'; readonly tried: readonly Tried[]; readonly skipped: readonly Skipped[] }
  /** The search stopped here with a hard error. */
  | { readonly status: 'broken'; readonly path: string; readonly problem: Problem; readonly rule: Rule; readonly of: string | null; readonly skipped: readonly Skipped[] }
  | { readonly status: 'unknown'; readonly because: string; readonly how: string | null }

export type Problem = (Linkage & { format: 'broken' })['problem'] | 'directory' | 'other-byte-order' | 'other-class' | 'other-machine'

/** A file in memory, as the model sees it. */
export interface Loaded {
  readonly path: string
  readonly realpath: string
  readonly linkage: Elf
  /** Who asked for it first; null = the program itself. */
  readonly loader: Loaded | null
  readonly names: Set<string>
  readonly rule: Rule
  readonly of: string | null
}

/** One name that one file asks for, and what becomes of it. */
export interface Link {
  readonly name: string
  readonly neededBy: string
  readonly how: 'needed' | 'dlopen' | 'preload'
  readonly answer: Search
}

export interface VersionGap {
  readonly library: string
  readonly version: string
  readonly requiredBy: string
}
