import { present, type Memory } from './load.ts'
import type { VersionGap } from './types.ts'

/**
 * Symbol versions that a file needs and its library lacks (glibc elf/dl-version.c). A library without any version
 * definitions passes, as it does there.
 */
export function versionGapsOf(memory: Memory): readonly VersionGap[] {
  return memory.objects.flatMap((object) =>
    object.linkage.versionsNeeded.flatMap(({ file, versions }) => {
      const library = present(memory, file)
      if (library === null || library.linkage.versionsDefined.length === 0) return []
      return versions
        .filter((version) => !library.linkage.versionsDefined.includes(version))
        .map((version) => ({ library: library.path, version, requiredBy: object.path }))
    }),
  )
}
