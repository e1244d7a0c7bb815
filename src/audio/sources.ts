/** One source of a PulseAudio server or of pipewire-pulse. */
export interface Source {
  readonly name: string
  readonly description: string
  /** It plays back what an output plays, and hears no microphone. */
  readonly monitor: boolean
}

export interface ServerInfo {
  /** As the server names itself: `pulseaudio`, `PulseAudio (on PipeWire 0.3.65)`. */
  readonly name: string
  readonly version: string
  /** null = it has none. */
  readonly defaultSource: string | null
}

/** `pactl -f json list sources` (pulseaudio-utils 16 and later). null = this is not its JSON. */
export function sourcesOf(json: string): readonly Source[] | null {
  const list = parsed(json)
  if (!Array.isArray(list)) return null
  return list.map((each: { name?: string; description?: string; monitor_source?: string; properties?: Record<string, string> }) => ({
    name: each.name ?? '',
    description: each.description ?? '',
    monitor: Boolean(each.monitor_source) || each.properties?.['device.class'] === 'monitor' || (each.name ?? '').endsWith('.monitor'),
  }))
}

/** `pactl list short sources`: index, name, driver, sample specification, state, with tabs between. */
export const shortSourcesOf = (text: string): readonly Source[] =>
  text.split('\n').flatMap((line) => {
    const name = line.split('\t')[1]
    return name ? [{ name, description: name, monitor: name.endsWith('.monitor') }] : []
  })

/** `pactl -f json info`, or the English text of it. */
export function infoOf(text: string): ServerInfo | null {
  const json = parsed(text) as Record<string, string> | null
  const line = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(text)?.[1]
  const name = json?.['server_name'] ?? line('Server Name')
  if (name === undefined) return null
  const source = json?.['default_source_name'] ?? line('Default Source') ?? ''
  return {
    name,
    version: json?.['server_version'] ?? line('Server Version') ?? '',
    // pipewire-pulse answers with its own wildcard, PulseAudio with `n/a` or nothing.
    defaultSource: source === '' || source.startsWith('@') || source === 'n/a' || source === '(null)' ? null : source,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}

export const inputsOf = (sources: readonly Source[]): readonly Source[] => sources.filter(({ monitor }) => !monitor)
export const monitorsOf = (sources: readonly Source[]): readonly Source[] => sources.filter(({ monitor }) => monitor)

/** “2 inputs and 2 monitors”: never one number for both. */
export function counted(sources: readonly Source[]): string {
  const many = (n: number, thing: string) => `${n === 0 ? 'no' : n} ${thing}${n === 1 ? '' : 's'}`
  return `${many(inputsOf(sources).length, 'input')} and ${many(monitorsOf(sources).length, 'monitor')}`
}
