/**
 * A unit that does not run has no mount namespace to enter, so its interpreter is asked in ours. That is the truth only
 * while no directive (systemd.exec(5), "Sandboxing" and "Paths") would put something else in the place of a path it uses.
 */
export function replacedBy(properties: Readonly<Record<string, string>>, paths: readonly string[]): { readonly directive: string; readonly path: string } | null {
  const value = (key: string): string => properties[key] ?? ''
  const places = (key: string, of: (entry: string) => string | undefined): readonly (readonly [string, string])[] =>
    value(key).split(/\s+/).filter(Boolean).map((entry) => [`${key}=${entry}`, (of(entry) ?? '').replace(/^[-+]+/, '')] as const)
  const rules: readonly (readonly [directive: string, folder: string])[] = [
    ...['RootDirectory', 'RootImage'].filter((key) => !['', '/'].includes(value(key))).map((key) => [`${key}=${value(key)}`, '/'] as const),
    ...(/^(yes|tmpfs)$/.test(value('ProtectHome')) ? ['/home', '/root', '/run/user'].map((folder) => [`ProtectHome=${value('ProtectHome')}`, folder] as const) : []),
    ...(value('PrivateTmp') === 'yes' ? ['/tmp', '/var/tmp'].map((folder) => ['PrivateTmp=yes', folder] as const) : []),
    ...places('InaccessiblePaths', (entry) => entry),
    ...places('TemporaryFileSystem', (entry) => entry.split(':')[0]),
    ...places('BindPaths', (entry) => entry.split(':')[1] ?? entry.split(':')[0]),
    ...places('BindReadOnlyPaths', (entry) => entry.split(':')[1] ?? entry.split(':')[0]),
  ]
  for (const [directive, folder] of rules) {
    const path = paths.find((one) => folder === '/' || one === folder || one.startsWith(`${folder}/`))
    if (path !== undefined) return { directive, path }
  }
  return null
}
