/** Bytes at any place, read as needed, so that a file's size never decides how much memory is taken. */
export interface ByteSource {
  readonly sizeBytes: number
  /** Fewer bytes than asked for only at the end. */
  read(at: number, length: number): Uint8Array
}

export const inMemory = (data: Uint8Array): ByteSource => ({ sizeBytes: data.length, read: (at, length) => data.subarray(at, at + length) })
