import { scanner } from '../../src/log/scan.ts'
import type { LogReading } from '../../src/log/types.ts'

export function scanned(bytes: Uint8Array, source = 'log'): LogReading {
  const scan = scanner()
  scan.push(bytes)
  return scan.finish(source)
}
