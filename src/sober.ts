/** Makes a string from the machine safe to print: control characters, C1 and bidirectional overrides become visible. */
export const sober = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) =>
    character === '\n' ? '⏎' : character === '\t' ? ' ' : `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`,
  )

/** JSON that is as safe to print: JSON.stringify leaves DEL and the C1 range as they are. */
export const soberJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replace(/[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`)
