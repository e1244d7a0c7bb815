import { Refused } from './refused.ts'

/** Something went wrong in the middle, and not all of the disk is as it was. The words name what is not; the journal knows it. */
export class Halfway extends Refused {
  readonly runId: string
  readonly touched: readonly string[]
  constructor(because: string, runId: string, touched: readonly string[], cause: unknown) {
    super(because)
    this.name = 'Halfway'
    this.runId = runId
    this.touched = touched
    this.cause = cause
  }
}
