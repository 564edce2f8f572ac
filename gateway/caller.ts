import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, AnswerStream } from './answer.ts'

/**
 * The caller of a model: what it sent, and the way to answer it. It stands on Node's own request and response, since the web's `Request` and
 * `Response` cost a call more than its metering does.
 */
export interface Caller {
  header(name: string): string | undefined
  /** The whole body, once; undefined when it is longer than `maxBytes`. Rejects when the caller leaves before its end. */
  body(maxBytes: number): Promise<Buffer | undefined>
  /** Whether the connection ended before the answer did. */
  hasLeft(): boolean
  /** Runs `leave` when the caller leaves before its answer is whole; at most one. */
  onLeave(leave: () => void): void
  /** Writes the answer, a stream as fast as it is read. Never rejects: a caller who left is not answered. */
  answer(answer: Answer): Promise<void>
}

/** The caller behind one of the server's requests. */
export function callerOf(incoming: IncomingMessage, outgoing: ServerResponse): Caller {
  return new Connected(incoming, outgoing)
}

class Connected implements Caller {
  readonly #incoming: IncomingMessage
  readonly #outgoing: ServerResponse
  #left = false
  #onLeave: (() => void) | undefined

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    outgoing.once('close', () => {
      if (outgoing.writableFinished) return
      this.#left = true
      this.#onLeave?.()
    })
  }

  header(name: string): string | undefined {
    const value = this.#incoming.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }

  body(maxBytes: number): Promise<Buffer | undefined> {
    return readBody(this.#incoming, maxBytes)
  }

  hasLeft(): boolean {
    return this.#left
  }

  onLeave(leave: () => void): void {
    this.#onLeave = leave
  }

  async answer({ status, headers, body }: Answer): Promise<void> {
    const outgoing = this.#outgoing
    if (this.#left) {
      if (isStream(body)) body.leave()
      return
    }
    if (isStream(body)) {
      outgoing.writeHead(status, headers)
      await writeStream(outgoing, body)
    } else {
      outgoing.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
      outgoing.end(body)
    }
  }
}

function isStream(body: Answer['body']): body is AnswerStream {
  return typeof body === 'object' && 'next' in body
}

function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(incoming.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      // Counted while it arrives: a chunked body declares no length.
      if (size > maxBytes) resolve(undefined)
      else chunks.push(chunk)
    })
    incoming.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    incoming.once('error', reject)
  })
}

async function writeStream(outgoing: ServerResponse, stream: AnswerStream): Promise<void> {
  for (;;) {
    const piece = await stream.next()
    if (piece === undefined) break
    if (outgoing.destroyed) return stream.leave()
    if (piece.length === 0 || outgoing.write(piece)) continue
    // A slow reader slows the provider down; one that leaves while it is waited for ends the wait.
    const waiting = new AbortController()
    const closed = (): void => waiting.abort()
    outgoing.once('close', closed)
    await once(outgoing, 'drain', { signal: waiting.signal }).catch(() => undefined)
    outgoing.off('close', closed)
  }
  outgoing.end()
}
