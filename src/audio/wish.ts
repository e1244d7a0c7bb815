/** What shows that a program wants to hear: in its command line, its libraries, its settings. Pure. */
import { basename } from '../paths.ts'

export type Api = 'alsa' | 'pulse' | 'pipewire'

export interface Sign {
  readonly saw: string
  /** null = it says sound, but not by which way. */
  readonly api: Api | null
}

const RECORDERS: Readonly<Record<string, Api>> = { arecord: 'alsa', parec: 'pulse', parecord: 'pulse', 'pw-record': 'pipewire' }

/** Programs and options that name a microphone, a recorder or a device of ALSA or PulseAudio. */
export function signsOfCommand(argv: readonly string[]): readonly Sign[] {
  const signs: Sign[] = []
  // Some programs take a whole command as one argument: --mic-command 'arecord -D plughw:1 -t raw'.
  const words = argv.flatMap((arg) => arg.split(/[\s=]+/)).filter(Boolean)
  for (const [at, word] of words.entries()) {
    const program = basename(word)
    if (RECORDERS[program]) signs.push({ saw: word, api: RECORDERS[program] })
    else if (/^(plughw|hw|dsnoop|plug|sysdefault):/.test(word)) signs.push({ saw: word, api: 'alsa' })
    else if (/^alsa_input\./.test(word)) signs.push({ saw: word, api: 'pulse' })
    else if (word === '-f' && (words[at + 1] === 'alsa' || words[at + 1] === 'pulse')) signs.push({ saw: `-f ${words[at + 1]}`, api: words[at + 1] as Api })
    else if (/^--(mic|microphone|input-device|audio-device|audio-input)(-|$)|^-inmic$/.test(word) && !/^(false|no|none|off|0)$/.test(words[at + 1] ?? '')) signs.push({ saw: word, api: null })
  }
  for (const word of argv.slice(0, 2)) {
    const program = basename(word)
    if (/microphone|-alsa$|^whisper-(stream|command)$/.test(program) && !word.startsWith('-')) signs.push({ saw: word, api: program.endsWith('-alsa') ? 'alsa' : null })
  }
  return signs
}

/** Opening the hardware by name goes past every sound server. */
export const namesHardware = (argv: readonly string[]): boolean => argv.some((arg) => /(^|[\s=])(plug)?hw:/.test(arg))

const LIBRARIES: readonly (readonly [RegExp, Api])[] = [
  [/^libpulse(-simple|-mainloop-glib)?\.so/, 'pulse'],
  [/^libasound_module_pcm_pulse\.so/, 'pulse'],
  [/^libpipewire-0\.\d+\.so/, 'pipewire'],
  [/^libasound(-[0-9a-f]+)?\.so/, 'alsa'],
  [/^libportaudio/, 'alsa'],
]

/** These bring the audio libraries with them for whoever only decodes files or plays sound, so behind them they say nothing. */
const CARRIERS = /^(libavdevice|libSDL2?|libSDL3|libopenal|libgst|libQt\dMultimedia|libvlc|libespeak-ng|libsox|libout123|libcanberra)/

/** Audio libraries that a program uses for itself. */
export function signsOfLibraries(files: readonly { readonly path: string }[]): readonly Sign[] {
  const names = files.map(({ path }) => ({ path, name: basename(path) }))
  const portaudio = names.some(({ name }) => name.startsWith('libportaudio'))
  if (!portaudio && names.some(({ name }) => CARRIERS.test(name))) return []
  return names.flatMap(({ path, name }) => {
    const api = LIBRARIES.find(([pattern]) => pattern.test(name))?.[1]
    return api === undefined ? [] : [{ saw: path, api }]
  })
}

const VARIABLES: Readonly<Record<string, Api>> = {
  PULSE_SERVER: 'pulse', PULSE_SOURCE: 'pulse', PULSE_RUNTIME_PATH: 'pulse',
  PIPEWIRE_NODE: 'pipewire', PIPEWIRE_REMOTE: 'pipewire',
  ALSA_CARD: 'alsa', ALSA_PCM_CARD: 'alsa', ALSA_CONFIG_PATH: 'alsa', AUDIODEV: 'alsa',
}

/** Variables that somebody set for this service; a login session sets some of them for everybody. */
export const signsOfVariables = (names: readonly string[]): readonly Sign[] => names.flatMap((name) => (VARIABLES[name] ? [{ saw: name, api: VARIABLES[name] }] : []))

const UNITS = /^(sound\.target|pulseaudio\.(service|socket)|pipewire(-pulse)?\.(service|socket)|wireplumber\.service)$/

/** What its unit says of sound: what it is ordered after or wants, its groups, its devices. */
export function signsOfUnit(properties: Readonly<Record<string, string>>): readonly Sign[] {
  const units = ['After', 'Wants', 'Requires'].flatMap((key) => (properties[key] ?? '').split(/\s+/).filter((name) => UNITS.test(name)).map((name) => `${key}=${name}`))
  const groups = ['Group', 'SupplementaryGroups'].filter((key) => (properties[key] ?? '').split(/\s+/).includes('audio')).map((key) => `${key}=audio`)
  const devices = (properties['DeviceAllow'] ?? '').split('\n').filter((line) => /^(char-alsa|\/dev\/snd)/.test(line)).map((line) => `DeviceAllow=${line}`)
  return [
    ...units.map((saw): Sign => ({ saw, api: saw.includes('pulse') ? 'pulse' : saw.includes('pipewire') || saw.includes('wireplumber') ? 'pipewire' : null })),
    ...[...groups, ...devices].map((saw): Sign => ({ saw, api: 'alsa' })),
  ]
}
