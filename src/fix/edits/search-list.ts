/** Variables that hold a list of folders: what stands there is extended, not replaced. */
const LISTS: Readonly<Record<string, string>> = { LD_LIBRARY_PATH: ':', PATH: ':', PYTHONPATH: ':', PKG_CONFIG_PATH: ':', XDG_DATA_DIRS: ':', XDG_CONFIG_DIRS: ':' }

export const isSearchList = (name: string): boolean => name in LISTS

/**
 * The wanted folders first, in their order, then whatever stood there and is not among them. Empty elements stand for
 * the working directory (ld.so(8)) and are never carried on; neither is a folder twice.
 */
export function extended(wanted: string, existing: string): string {
  const parts = [...wanted.split(':'), ...existing.split(':')].filter((part) => part !== '')
  return [...new Set(parts)].join(':')
}
