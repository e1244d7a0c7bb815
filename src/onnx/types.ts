/** What the doctor keeps of a model file: enough to say where its nodes will run, and none of its weights. */

/** Element types after onnx.proto3, TensorProto.DataType. */
export const DTYPES = [
  'undefined', 'float', 'uint8', 'int8', 'uint16', 'int16', 'int32', 'int64', 'string', 'bool', 'float16', 'double', 'uint32', 'uint64',
  'complex64', 'complex128', 'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz', 'uint4', 'int4', 'float4e2m1',
] as const

/** One operator as the graph uses it, with the element types of its inputs and outputs; `` = left out, `?` = not to be told. */
export interface OpUse {
  /** `ai.onnx` for the default domain. */
  readonly domain: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly count: number
  /** All inputs are constants: ONNX Runtime computes it once while loading, on the CPU, and drops the node. */
  readonly folded: boolean
  /** All inputs are constants and it is computed anew in every run all the same, at next to no cost: a bias kept as int32. */
  readonly constant: boolean
  /** Arithmetic on shapes and indices, which ONNX Runtime keeps on the CPU on purpose. */
  readonly shape: boolean
}

/** Tensors that one use of an operator makes and others consume. Indices into `ops`. */
export interface Flow {
  readonly from: number
  readonly to: readonly number[]
  readonly count: number
}

export interface Tensor {
  readonly name: string
  readonly dtype: string
  /** Sizes, names of variable dimensions, or null where nothing is said. */
  readonly shape: readonly (number | string | null)[]
}

export interface OnnxModel {
  readonly format: 'onnx'
  readonly sizeBytes: number
  readonly irVersion: number
  readonly producer: string
  readonly producerVersion: string
  readonly opsets: readonly { readonly domain: string; readonly version: number }[]
  /** Nodes of the graph and of the bodies of If, Loop and Scan. */
  readonly nodes: number
  readonly ops: readonly OpUse[]
  readonly flows: readonly Flow[]
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** Weights by element type. */
  readonly initializers: readonly { readonly dtype: string; readonly count: number; readonly elements: number }[]
  /** Files of weights beside the model, as named in it; at most 16. */
  readonly externalFiles: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly localFunctions: readonly string[]
}

export interface OtherModel {
  readonly format: 'ggml' | 'gguf' | 'ctranslate2'
  readonly sizeBytes: number
  /** The architecture, as the file names it. */
  readonly model: string | null
  /** How the weights are stored: `f16`, `q5_0`, `int8`, `float16` … */
  readonly weights: string
}

export interface BrokenModel {
  readonly format: 'broken'
  readonly sizeBytes: number
  readonly problem: 'empty' | 'lfs-pointer' | 'truncated' | 'malformed' | 'excessive' | 'unknown-format'
  /** What is wrong, in the words of the reader. */
  readonly detail: string
}

export type ModelFile = OnnxModel | OtherModel | BrokenModel
