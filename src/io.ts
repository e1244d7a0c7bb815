/** The world of one call, so that tests can call the program in-process. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: Sink
  readonly stderr: Sink
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}

export interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Columns to write for: 80 where there is no terminal, or one whose size nobody set (it says 0). */
export const widthOf = (sink: Sink): number => sink.columns || 80

/** Colour only on a terminal; NO_COLOR and TERM=dumb mean none, FORCE_COLOR means some even in a pipe (no-color.org, chalk). */
export function colourOn(sink: Sink, env: NodeJS.ProcessEnv, wanted: boolean): boolean {
  if (!wanted || (env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return sink.isTTY === true && env['TERM'] !== 'dumb'
}
