import driverLibraryShadowed from './driver-library-shadowed.ts'
import librariesAbsent from './libraries-absent.ts'
import librariesHidden from './libraries-hidden.ts'
import libraryMajorMismatch from './library-major-mismatch.ts'
import libraryPathUnsafe from './library-path-unsafe.ts'
import libraryUnloadable from './library-unloadable.ts'

/** In the order of the report. */
export const cuda = [librariesHidden, librariesAbsent, libraryMajorMismatch, libraryUnloadable, libraryPathUnsafe, driverLibraryShadowed] as const
