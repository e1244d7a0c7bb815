/** Plain text in lines of at most `width` columns, each behind `indent`. A word longer than a line stays whole. */
export function wrap(text: string, width: number, indent = '', hang = indent): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/ +/).filter(Boolean)) {
    const lead = lines.length === 0 ? indent : hang
    if (line !== '' && columns(lead) + columns(line) + 1 + columns(word) > width) {
      lines.push(lead + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  if (line !== '' || lines.length === 0) lines.push((lines.length === 0 ? indent : hang) + line)
  return lines.join('\n')
}

/** A finished text in lines no longer than `width`, its labels in their columns; null = as it is: a log keeps each on one line. */
export function fitted(text: string, width: number | null): string {
  if (width === null) return text
  return text.split('\n').map((line) => {
    if (columns(line) <= width) return line
    const lead = /^(?: *(?:\u001b\[\d+m)*!? ?\S+ {2,}| +)/.exec(line)?.[0] ?? ''
    return wrap(line.slice(lead.length), width, lead, line.startsWith('  ') ? ' '.repeat(columns(lead)) : '  ')
  }).join('\n')
}

/** Columns a text takes on a terminal: colour and combining marks none, East Asian wide characters and emoji two. */
export function columns(text: string): number {
  let sum = 0
  for (const character of text.replace(/\u001b\[[0-9;]*m/g, '')) {
    if (/\p{Mark}|\u200b|\u200d|\ufe0f/u.test(character)) continue
    sum += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(character) ? 2 : 1
  }
  return sum
}

/** Cuts the middle out of a text too long for its place, keeping both ends: paths tell most there. */
export function clipped(text: string, width: number): string {
  if (columns(text) <= width) return text
  const head = Math.ceil((width - 1) / 2)
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`
}
