/** One assignment of an EnvironmentFile=, unquoted. A key that is no variable name is there too: systemd drops it. */
export interface FileVariable {
  readonly name: string
  readonly value: string
  readonly line: number
}

const BLANK = ' \t\n\r'
const NEWLINE = '\n\r'

/**
 * The state machine of systemd's parse_env_file_internal() (basic/env-file.c, v252): quotes as in a shell, backslash and
 * newline removed, no expansion of any kind. systemd.exec(5), EnvironmentFile=.
 */
export function environmentFileOf(text: string): readonly FileVariable[] {
  const found: FileVariable[] = []
  let state: 'pre-key' | 'key' | 'pre-value' | 'value' | 'value-escape' | 'single' | 'double' | 'double-escape' | 'comment' | 'comment-escape' = 'pre-key'
  let key = ''
  let value = ''
  let begun = 1
  let line = 1
  /** Where trailing blanks of the value began; -1 = none. */
  let blanks = -1

  const push = (): void => {
    const kept = blanks >= 0 ? value.slice(0, blanks) : value
    found.push({ name: key.replace(/[ \t\n\r]+$/, ''), value: kept, line: begun })
    key = value = ''
    blanks = -1
  }

  for (const c of text) {
    switch (state) {
      case 'pre-key':
        if ('#;'.includes(c)) state = 'comment'
        else if (!BLANK.includes(c)) {
          state = 'key'
          key = c
          begun = line
        }
        break
      case 'key':
        if (NEWLINE.includes(c)) state = 'pre-key'
        else if (c === '=') state = 'pre-value'
        else key += c
        break
      case 'pre-value':
        if (NEWLINE.includes(c)) {
          state = 'pre-key'
          push()
        } else if (c === "'") state = 'single'
        else if (c === '"') state = 'double'
        else if (c === '\\') state = 'value-escape'
        else if (!BLANK.includes(c)) {
          state = 'value'
          value += c
        }
        break
      case 'value':
        if (NEWLINE.includes(c)) {
          state = 'pre-key'
          push()
        } else if (c === '\\') {
          state = 'value-escape'
          blanks = -1
        } else {
          if (!BLANK.includes(c)) blanks = -1
          else if (blanks < 0) blanks = value.length
          value += c
        }
        break
      case 'value-escape':
        state = 'value'
        if (!NEWLINE.includes(c)) value += c
        break
      case 'single':
        if (c === "'") state = 'pre-value'
        else value += c
        break
      case 'double':
        if (c === '"') state = 'pre-value'
        else if (c === '\\') state = 'double-escape'
        else value += c
        break
      case 'double-escape':
        state = 'double'
        if ('"\\`$'.includes(c)) value += c
        else if (c !== '\n') value += `\\${c}`
        break
      case 'comment':
        if (c === '\\') state = 'comment-escape'
        else if (NEWLINE.includes(c)) state = 'pre-key'
        break
      case 'comment-escape':
        state = 'comment'
        break
    }
    if (c === '\n') line++
  }
  if (['pre-value', 'value', 'value-escape', 'single', 'double', 'double-escape'].includes(state)) push()
  return found
}
