/** A time as systemctl prints it: `500ms`, `2s`, `1min 30s` (format_timespan() in basic/time-util.c). */
export function secondsAsShown(seconds: number): string {
  let left = Math.round(seconds * 1e6)
  if (left === 0) return '0'
  const parts: string[] = []
  for (const [name, size] of [['h', 3600e6], ['min', 60e6]] as const) {
    if (left >= size) parts.push(`${Math.floor(left / size)}${name}`)
    left %= size
  }
  if (left >= 1e6) parts.push(`${left / 1e6}s`)
  else if (left >= 1e3) parts.push(`${left / 1e3}ms`)
  else if (left > 0) parts.push(`${left}us`)
  return parts.join(' ')
}
