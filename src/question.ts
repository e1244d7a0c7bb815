/**
 * Questions as text. A question is its verb and its arguments on one line; this text is the heading in a case file,
 * the key of the answer, and the `source` of evidence, so all three are built here and nowhere else.
 */

/** Quotes an argument only where a blank, a quote or a control character would make the line ambiguous. */
const word = (text: string): string => (/^[^\s"'\\<>\u0000-\u001f]+$/.test(text) ? text : JSON.stringify(text))

export const question = {
  target: () => 'target',
  platform: () => 'platform',
  caller: () => 'caller',
  environment: () => 'environment',
  read: (path: string) => `read ${word(path)}`,
  list: (path: string) => `list ${word(path)}`,
  stat: (path: string) => `stat ${word(path)}`,
  realpath: (path: string) => `realpath ${word(path)}`,
  readlink: (path: string) => `readlink ${word(path)}`,
  linkage: (path: string) => `linkage ${word(path)}`,
  digest: (kind: string, source: string) => `digest ${kind} ${word(source)}`,
  watch: (durationMs: number, ...paths: readonly string[]) => ['watch', String(durationMs), ...paths].map(word).join(' '),
  run: (program: string, args: readonly string[], options: { as?: { name: string } | undefined; input?: { name: string } | undefined } = {}) =>
    [
      'run',
      ...(options.as ? [`as=${word(options.as.name)}`] : []),
      ...[program, ...args].map(word),
      ...(options.input ? ['<', word(options.input.name)] : []),
    ].join(' '),
  inventory: (topic: string) => `inventory ${word(topic)}`,
  // A URL has no blanks and no quotes of its own; what stands in it for something removed needs none either.
  transcribe: (url: string, seconds: number, main: number | null, unit: string | null) => ['transcribe', url, String(seconds), main === null ? '-' : String(main), word(unit ?? '-')].join(' '),
}
