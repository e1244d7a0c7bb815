/** POSIX single quotes: nothing inside means anything but the quote itself. */
export const posixQuoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`

/** Quoted only where a shell would read more than letters. */
export const posixWord = (text: string): string => (/^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : posixQuoted(text))
