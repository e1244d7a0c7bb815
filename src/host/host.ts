import { question } from '../question.ts'
import type { Caller, Env, Host, Json, Linkage, Output, Platform, RunOptions, Stat, Target, Watch } from '../types.ts'

/** One question on its way to whoever answers it. `key` is its text; the rest is what a real machine needs to answer. */
export interface Question {
  readonly key: string
  readonly verb: keyof Host
  readonly args: readonly string[]
  readonly options?: RunOptions
}

/** Real machine, recording, replay and overlay are each one such function. Answers are plain JSON. */
export type Ask = (question: Question) => Promise<Json>

/** The typed face of an Ask. */
export function hostOf(ask: Ask): Host {
  const put = <T>(verb: keyof Host, key: string, args: readonly string[], options?: RunOptions): Promise<T> =>
    ask({ key, verb, args, ...(options ? { options } : {}) }) as Promise<T>
  return {
    target: () => put<Target>('target', question.target(), []),
    platform: () => put<Platform>('platform', question.platform(), []),
    caller: () => put<Caller>('caller', question.caller(), []),
    environment: () => put<Env>('environment', question.environment(), []),
    read: (path) => put<string | null>('read', question.read(path), [path]),
    list: (path) => put<readonly string[] | null>('list', question.list(path), [path]),
    stat: (path) => put<Stat | null>('stat', question.stat(path), [path]),
    realpath: (path) => put<string | null>('realpath', question.realpath(path), [path]),
    readlink: (path) => put<string | null>('readlink', question.readlink(path), [path]),
    linkage: (path) => put<Linkage | null>('linkage', question.linkage(path), [path]),
    digest: (kind, source) => put<Json>('digest', question.digest(kind, source), [kind, source]),
    watch: (ms, ...paths) => put<Watch>('watch', question.watch(ms, ...paths), [String(ms), ...paths]),
    run: (program, args, options = {}) =>
      put<Output | null>('run', question.run(program, args, options), [program, ...args], options),
    inventory: (topic) => put<Json>('inventory', question.inventory(topic), [topic]),
    transcribe: (url, seconds, main, unit) => put<Json>('transcribe', question.transcribe(url, seconds, main, unit), [url, String(seconds), main === null ? '-' : String(main), unit ?? '-']),
  }
}

/** Never ask twice: the same question in the same run shares one answer. */
export function remembered(ask: Ask): Ask {
  const answers = new Map<string, Promise<Json>>()
  return (asked) => {
    const known = answers.get(asked.key)
    if (known) return known
    const answer = ask(asked)
    answers.set(asked.key, answer)
    answer.catch(() => {}) // the asker hears of it; an answer nobody awaits yet must not end the process
    return answer
  }
}
