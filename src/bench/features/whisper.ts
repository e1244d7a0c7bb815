import { powerSpectrum, type PowerSpectrum } from './fft.ts'
import { apply, slaneyBank, type MelBank } from './mel.ts'

export const WHISPER_RATE = 16000
const FFT = 400
const HOP = 160
/** Whisper hears windows of 30 s. */
export const WINDOW_SAMPLES = 30 * WHISPER_RATE

/** Periodic Hann. */
const WINDOW = Float64Array.from({ length: FFT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FFT))

/** Where the first frame begins before the recording, how that is filled, and how many frames there are. */
export interface Framing {
  readonly lead: number
  reflected(index: number, length: number): number
  frames(samples: number): number
}

/** openai/whisper and transformers: centred on the hop, mirrored at the first sample; the last frame is dropped. */
export const CENTRED: Framing = {
  lead: FFT / 2,
  reflected: (index, length) => {
    const at = Math.abs(index)
    return at < length ? at : 2 * (length - 1) - at
  },
  frames: (samples) => Math.floor(samples / HOP),
}

/** kaldi-native-fbank, and so sherpa-onnx: centred on the middle of the hop, mirrored before the first sample (feature-window.cc, snip_edges off). */
export const KALDI_CENTRED: Framing = {
  lead: (FFT - HOP) / 2,
  reflected: (index, length) => {
    let at = index
    while (at < 0 || at >= length) at = at < 0 ? -at - 1 : 2 * length - 1 - at
    return at
  },
  frames: (samples) => Math.floor((samples + HOP / 2) / HOP),
}

interface Plan {
  readonly bank: MelBank
  readonly spectrum: PowerSpectrum
}
const plans = new Map<number, Plan>()

/**
 * Whisper's input (openai/whisper audio.py `log_mel_spectrogram`): frames of 400 every 160, centred with reflection, power,
 * Slaney mel, log10 floored 8 below the maximum, (x + 4) / 4. Row-major [mels, frames]; the last frame is dropped, as there.
 */
export function whisperLogMel(samples: Float32Array, mels: 80 | 128, framing: Framing = CENTRED): { readonly data: Float32Array; readonly frames: number } {
  const plan = plans.get(mels) ?? { bank: slaneyBank(mels, FFT, WHISPER_RATE), spectrum: powerSpectrum(FFT) }
  plans.set(mels, plan)
  const frames = framing.frames(samples.length)
  const logs = new Float64Array(mels * frames)
  const frame = new Float64Array(FFT)
  const power = new Float64Array(FFT / 2 + 1)
  const row = new Float64Array(mels)
  let top = -Infinity
  for (let t = 0; t < frames; t++) {
    const start = t * HOP - framing.lead
    if (start >= 0 && start + FFT <= samples.length) {
      for (let i = 0; i < FFT; i++) frame[i] = samples[start + i]! * WINDOW[i]!
    } else {
      for (let i = 0; i < FFT; i++) frame[i] = samples[framing.reflected(start + i, samples.length)]! * WINDOW[i]!
    }
    plan.spectrum(frame, power)
    apply(plan.bank, power, row)
    for (let m = 0; m < mels; m++) {
      const log = Math.log(Math.max(row[m]!, 1e-10)) * Math.LOG10E
      if (log > top) top = log
      logs[m * frames + t] = log
    }
  }
  const floor = top - 8
  const data = new Float32Array(logs.length)
  for (let i = 0; i < logs.length; i++) data[i] = (Math.max(logs[i]!, floor) + 4) / 4
  return { data, frames }
}
