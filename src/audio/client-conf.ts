/** pulse-client.conf(5): what a client of PulseAudio is told by file. Of pipewire-pulse too: its clients use the same libpulse. */
export interface ClientConf {
  readonly defaultServer: string | null
  readonly cookieFile: string | null
  /** null = not said; then it is as the distribution compiled it. */
  readonly autospawn: boolean | null
}

/** Texts in the order they are read: client.conf, then client.conf.d/*.conf. The last word counts. */
export function clientConfOf(texts: readonly string[]): ClientConf {
  const settings = new Map<string, string>()
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    const match = /^\s*([a-z0-9-]+)\s*=\s*(.*?)\s*$/i.exec(line)
    if (match) settings.set(match[1]!, match[2]!)
  }
  const autospawn = settings.get('autospawn')
  return {
    defaultServer: settings.get('default-server') || null,
    cookieFile: settings.get('cookie-file') || null,
    autospawn: autospawn === undefined ? null : /^(1|y|t|yes|true|on)$/i.test(autospawn),
  }
}
