import { BadAudio } from './bad-audio.ts'

/** What a file that is not a WAV file is instead, by its first bytes. */
export function recognise(head: Uint8Array, sizeBytes: number): BadAudio {
  if (sizeBytes === 0) return new BadAudio('The file is empty.')
  const text = String.fromCharCode(...head)
  const is = (what: string) => new BadAudio(`The file is ${what}, not WAV.`, true)
  if (text.startsWith('ID3') || (head[0] === 0xff && (head[1]! & 0xe0) === 0xe0)) return is('MP3 or AAC audio')
  if (text.startsWith('fLaC')) return is('FLAC audio')
  if (text.startsWith('OggS')) return is('Ogg audio (Opus or Vorbis)')
  if (text.slice(4, 8) === 'ftyp') return is('MPEG-4 audio (m4a or mp4)')
  if (text.startsWith('\x1aE\xdf\xa3')) return is('Matroska or WebM audio')
  if (text.startsWith('FORM') && text.slice(8, 11) === 'AIF') return is('AIFF audio')
  if (text.startsWith('.snd')) return is('Sun AU audio')
  if (text.startsWith('caff')) return is('Core Audio Format')
  if (text.startsWith('RIFX')) return is('a big-endian RIFX file')
  if (text.startsWith('riff')) return is('a Sony Wave64 file')
  if (text.startsWith('RIFF') && text.length >= 12) return is(`a RIFF file of the kind ${JSON.stringify(text.slice(8, 12))}`)
  if (text.startsWith('RIFF') || text.startsWith('RF64')) return new BadAudio(`The file is cut off inside its header (${sizeBytes} bytes).`)
  if (text.startsWith('version https://git-lfs')) return new BadAudio('The file is a Git LFS pointer: the sound itself was never downloaded (git lfs pull).')
  if (/^\s*<(!doctype|html|\?xml|head|body)/i.test(text)) return new BadAudio('The file is a web page, not audio: the download went wrong.')
  if (/^\s*[{[]/.test(text)) return new BadAudio('The file looks like JSON, not audio: the download went wrong.')
  if (text.startsWith('PK\x03\x04')) return new BadAudio('The file is a ZIP archive, not audio.')
  if (text.startsWith('\x1f\x8b')) return new BadAudio('The file is compressed with gzip, not audio.')
  return new BadAudio('The file is not WAV audio: it does not begin with RIFF and WAVE.', true)
}
