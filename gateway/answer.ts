/** What a caller of a model is answered, before it is written to a connection. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | AnswerStream
}

/** For a caller who left; access logs show the number. */
export const nobodyReads = (): Answer => ({ status: 499, headers: {}, body: '' })

/** A body that comes in pieces, as fast as its reader takes them. */
export interface AnswerStream {
  /** The next piece; undefined after the last. Never rejects. */
  next(): Promise<Buffer | undefined>
  /** Nobody reads any more. */
  leave(): void
}
