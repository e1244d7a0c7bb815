/** One network in several precisions lies side by side, told by the end of the file name. */

/** The plain one first, then from the most exact on, as transformers.js and Optimum name them. */
const ORDER = ['', '_fp32', '_bf16', '_fp16', '_int8', '_uint8', '_quantized', '_q8', '_q4f16', '_q4', '_bnb4']

/** sherpa-onnx writes `.int8`, others `_int8`: one way to write them. */
export const precisionOf = (ending: string): string => ending.replace(/^[.\-]/, '_').toLowerCase()

const rank = (precision: string): number => (ORDER.includes(precision) ? ORDER.indexOf(precision) : ORDER.length)

/** Those of the precision that is wanted come first; the order of what is equal stays. */
export const byPreference = <T extends { readonly precision: string }>(files: readonly T[], wanted: string): readonly T[] =>
  [...files].sort((a, b) => Number(b.precision === wanted) - Number(a.precision === wanted) || rank(a.precision) - rank(b.precision))
