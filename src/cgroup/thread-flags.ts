/** A number of threads that a command line asks for. `-t` means threads to whisper.cpp's programs, and something else to others. */
export function threadFlagOf(argv: readonly string[], shortFlag: boolean): { readonly count: number; readonly saw: string } | null {
  for (const [at, word] of argv.entries()) {
    if (at === 0) continue
    const whole = /^--?(?:num|cpu|intra[-_]op[-_]num|intra)?[-_]?threads(?:=(.*))?$/.exec(word) ?? (shortFlag ? /^-t(?:=?(\d+))?$/.exec(word) : null)
    if (whole === null) continue
    const value = whole[1] ?? argv[at + 1] ?? ''
    if (/^[1-9]\d{0,3}$/.test(value)) return { count: Number(value), saw: whole[1] === undefined ? `${word} ${value}` : word }
  }
  return null
}
