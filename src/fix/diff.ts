/** Unified diffs that patch(1) and git apply take. */

interface Step {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** Above this many cells the middle is shown as replaced whole: correct, only longer. */
const MAX_CELLS = 4_000_000

/** One file's diff; '' when nothing changes. null = the file is not there (before) or is taken away (after). */
export function unifiedDiff(path: string, before: string | null, after: string | null, { mode = '100644', context = 3 } = {}): string {
  if (before === after) return ''
  const steps = stepsOf(lines(before), lines(after))
  const [old, now] = [named(`a${rooted(path)}`), named(`b${rooted(path)}`)]
  const head = [`diff --git ${old.git} ${now.git}`, ...(before === null ? [`new file mode ${mode}`] : after === null ? [`deleted file mode ${mode}`] : [])]
  const hunks = hunksOf(steps, context)
  if (hunks.length === 0) return `${head.join('\n')}\n`
  return `${[...head, `--- ${before === null ? '/dev/null' : old.header}`, `+++ ${after === null ? '/dev/null' : now.header}`, ...hunks].join('\n')}\n`
}

const rooted = (path: string): string => (path.startsWith('/') ? path : `/${path}`)

/** git's quoting of names (quote.c); a name with a blank ends in a tab, so that patch(1) knows where it ends. */
function named(path: string): { readonly git: string; readonly header: string } {
  if (!/[\u0000-\u001f"\\\u007f-\u{10ffff}]/u.test(path)) return { git: path, header: path.includes(' ') ? `${path}\t` : path }
  const NAMED: Readonly<Record<number, string>> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r', 34: '\\"', 92: '\\\\' }
  const quoted = [...new TextEncoder().encode(path)].map((byte) => NAMED[byte] ?? (byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte))).join('')
  return { git: `"${quoted}"`, header: `"${quoted}"` }
}

/** Each line with its end; a last line without one is a line of its own kind. */
const lines = (text: string | null): readonly string[] => (text === null || text === '' ? [] : text.split(/(?<=\n)/))

function stepsOf(a: readonly string[], b: readonly string[]): readonly Step[] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const same = (part: readonly string[]): Step[] => part.map((line) => ({ sign: ' ', line }))
  return [...same(a.slice(0, head)), ...middle(a.slice(head, a.length - tail), b.slice(head, b.length - tail)), ...same(a.slice(a.length - tail))]
}

/** Longest common subsequence by the table of lengths. */
function middle(a: readonly string[], b: readonly string[]): readonly Step[] {
  const gone = (part: readonly string[]): Step[] => part.map((line) => ({ sign: '-', line }))
  const come = (part: readonly string[]): Step[] => part.map((line) => ({ sign: '+', line }))
  if (a.length === 0 || b.length === 0 || a.length * b.length > MAX_CELLS) return [...gone(a), ...come(b)]
  const width = b.length + 1
  const length = new Uint32Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      length[i * width + j] = a[i] === b[j] ? length[(i + 1) * width + j + 1]! + 1 : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!)
    }
  }
  const steps: Step[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      steps.push({ sign: ' ', line: a[i]! })
      i++
      j++
    } else if (length[(i + 1) * width + j]! >= length[i * width + j + 1]!) steps.push({ sign: '-', line: a[i++]! })
    else steps.push({ sign: '+', line: b[j++]! })
  }
  return [...steps, ...gone(a.slice(i)), ...come(b.slice(j))]
}

function hunksOf(steps: readonly Step[], context: number): readonly string[] {
  const changed = steps.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]))
  const ranges: { from: number; to: number }[] = []
  for (const at of changed) {
    const last = ranges.at(-1)
    if (last !== undefined && at - last.to <= 2 * context) last.to = at
    else ranges.push({ from: at, to: at })
  }
  return ranges.map(({ from, to }) => {
    const [start, end] = [Math.max(0, from - context), Math.min(steps.length, to + context + 1)]
    const count = (part: readonly Step[], signs: string) => part.filter(({ sign }) => signs.includes(sign)).length
    const ahead = steps.slice(0, start)
    const inside = steps.slice(start, end)
    const range = (signs: string) => {
      const [line, n] = [count(ahead, signs), count(inside, signs)]
      return `${n === 0 ? line : line + 1}${n === 1 ? '' : `,${n}`}`
    }
    const body = inside.map(({ sign, line }) => (line.endsWith('\n') ? sign + line.slice(0, -1) : `${sign}${line}\n\\ No newline at end of file`))
    return [`@@ -${range(' -')} +${range(' +')} @@`, ...body].join('\n')
  })
}
