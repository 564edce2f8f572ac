/** A request that did not succeed. `code` is the API's; `offline`: no answer came; `malformed`: an answer came that nobody understands. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  /** HTTP status; 0 without an answer. */
  readonly status: number
  readonly requestId: string | undefined

  constructor(
    code: string,
    message: string,
    { status = 0, requestId }: { status?: number; requestId?: string | undefined } = {},
  ) {
    super(message)
    this.code = code
    this.status = status
    this.requestId = requestId
  }
}

/** Whatever was thrown, as a failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('offline', error instanceof Error ? error.message : String(error))
}
