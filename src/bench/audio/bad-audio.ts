/** Audio that cannot be used, and why. `foreign`: a sound format that is not WAV, which another decoder may know. */
export class BadAudio extends Error {
  override readonly name = 'BadAudio'
  readonly foreign: boolean
  constructor(because: string, foreign = false) {
    super(because)
    this.foreign = foreign
  }
}
