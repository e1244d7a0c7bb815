/** POSIX single quotes: nothing inside means anything but the quote itself. */
export const posixQuoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

/** Quoted only where a shell would read more than letters. */
export const posixWord = (text: string): string => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : posixQuoted(text))

/** PowerShell's: it takes the typographic quotes for quotes as well, and inside, one is written twice (about_Quoting_Rules). */
export const powershellQuoted = (text: string): string => `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
