export interface FailureDetails {
  readonly status?: number
  readonly requestId?: string | undefined
  readonly needed?: number | undefined
  readonly available?: number | undefined
}

/** A request that did not succeed. `code` is the API's; `offline`: no answer came; `malformed`: an answer came that nobody understands. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  /** HTTP status; 0 without an answer. */
  readonly status: number
  readonly requestId: string | undefined
  /** Of `insufficient_credits`: what it takes, and what there was, µcr. */
  readonly needed: number | undefined
  readonly available: number | undefined

  constructor(code: string, message: string, { status = 0, requestId, needed, available }: FailureDetails = {}) {
    super(message)
    this.code = code
    this.status = status
    this.requestId = requestId
    this.needed = needed
    this.available = available
  }
}

/** Whatever was thrown, as a failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('offline', error instanceof Error ? error.message : String(error))
}
