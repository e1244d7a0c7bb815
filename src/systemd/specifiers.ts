/** What each `%x` stands for; null = a specifier whose value is not known here. A letter that is missing is none. */
export type Specifiers = Readonly<Record<string, string | null>>

/**
 * specifier_printf() of shared/specifier.c: an unknown letter or digit is an error and the whole text is ignored
 * (`invalid`); before anything else a per cent sign stands for itself. `unknown` = it needs a value not known here.
 */
export function resolved(text: string, specifiers: Specifiers): { readonly text: string } | 'invalid' | 'unknown' {
  let failure: 'invalid' | 'unknown' | null = null
  const whole = text.replace(/%(.)/gs, (all, letter: string) => {
    if (letter === '%') return '%'
    const value = specifiers[letter]
    if (value === undefined && !/[A-Za-z0-9]/.test(letter)) return all
    if (value === undefined) failure = 'invalid'
    if (value === null) failure ??= 'unknown'
    return value ?? ''
  })
  return failure ?? { text: whole }
}

/** The text, or null where it cannot be had, for whatever reason. */
export function expanded(text: string, specifiers: Specifiers): string | null {
  const whole = resolved(text, specifiers)
  return typeof whole === 'string' ? null : whole.text
}
