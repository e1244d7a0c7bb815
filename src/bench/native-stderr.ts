/**
 * Reads the runtime's own words on stderr. Its JavaScript error says only that a library failed to load; which one, and what
 * that one lacked, appears nowhere else (measured with onnxruntime-node 1.30).
 */
export interface LoadFailure {
  /** The provider library that was to be loaded. */
  readonly library: string
  /** The library that is missing: of the provider's own needs, or the provider itself. null = another reason. */
  readonly missing: string | null
  /** The loader's words. */
  readonly reason: string
}

const ANSI = /\x1b\[[0-9;]*m/g
const FAILED = /Failed to load library (\S*?([^/\s]+\.so[.\d]*|[^/\\\s]+\.dll|[^/\s]+\.dylib)) with error: (.*)$/m
const NOT_FOUND = /^(?:.*\/)?([^/\s:]+): cannot open shared object file: No such file or directory/

export function loadFailure(stderr: string): LoadFailure | null {
  const match = FAILED.exec(stderr.replace(ANSI, ''))
  if (match === null) return null
  const reason = match[3]!.trim()
  return { library: match[1]!, missing: NOT_FOUND.exec(reason)?.[1] ?? null, reason }
}

/** A provider that this build of the runtime does not know is dropped with this line, and the rest go on without it. */
const REMOVED = /removing requested execution provider "([^"]+)" from session options because it is not available/

export const removedProvider = (output: string): string | null => REMOVED.exec(output)?.[1] ?? null
