/** Element types of ggml after enum ggml_type (ggml.h): elements and bytes of a block (ggml-common.h). Gaps were withdrawn, or are never written to files. */
export interface GgmlType {
  readonly name: string
  readonly elements: number
  readonly bytes: number
}

const T = (name: string, elements: number, bytes: number): GgmlType => ({ name, elements, bytes })

export const GGML_TYPES: Readonly<Record<number, GgmlType>> = {
  0: T('f32', 1, 4), 1: T('f16', 1, 2), 2: T('q4_0', 32, 18), 3: T('q4_1', 32, 20), 6: T('q5_0', 32, 22), 7: T('q5_1', 32, 24), 8: T('q8_0', 32, 34),
  10: T('q2_k', 256, 84), 11: T('q3_k', 256, 110), 12: T('q4_k', 256, 144), 13: T('q5_k', 256, 176), 14: T('q6_k', 256, 210),
  16: T('iq2_xxs', 256, 66), 17: T('iq2_xs', 256, 74), 18: T('iq3_xxs', 256, 98), 19: T('iq1_s', 256, 50), 20: T('iq4_nl', 32, 18), 21: T('iq3_s', 256, 110), 22: T('iq2_s', 256, 82), 23: T('iq4_xs', 256, 136),
  24: T('i8', 1, 1), 25: T('i16', 1, 2), 26: T('i32', 1, 4), 27: T('i64', 1, 8), 28: T('f64', 1, 8), 29: T('iq1_m', 256, 56), 30: T('bf16', 1, 2), 34: T('tq1_0', 256, 54), 35: T('tq2_0', 256, 66), 39: T('mxfp4', 32, 17),
}

/** File types after enum ggml_ftype (ggml.h); whisper.cpp stores ftype + 1000 × the version of the quantisation. */
export const GGML_FTYPES: Readonly<Record<number, string>> = { 0: 'f32', 1: 'f16', 2: 'q4_0', 3: 'q4_1', 7: 'q8_0', 8: 'q5_0', 9: 'q5_1', 10: 'q2_k', 11: 'q3_k', 12: 'q4_k', 13: 'q5_k', 14: 'q6_k' }
