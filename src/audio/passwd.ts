/** passwd(5) and group(5): name, x, number. Names that only a directory service knows are not in these files. */
export function nameOf(text: string | null, id: number): string | null {
  for (const line of (text ?? '').split('\n')) {
    const [name, , number] = line.split(':')
    if (name && Number(number) === id && number !== '') return name
  }
  return null
}

export function homeOf(passwd: string | null, uid: number): string | null {
  const line = (passwd ?? '').split('\n').find((each) => each.split(':')[2] === String(uid))
  return line?.split(':')[5] || null
}
