/** How long a probe may take where nobody says otherwise. */
export const PROBE_S = 60

/**
 * Our own measure, without a source: a GPU that is asked for is expected to work at least three times as fast as the audio
 * runs. Below it the question is worth asking; it is no fault by itself.
 */
export const WANTED_RTF = 1 / 3
