import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Cancellation } from '../cancellation.ts'

export interface Dispatched {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** May be read once; see UpstreamAnswer. */
  readonly body: AsyncIterableIterator<Uint8Array>
}

/** Read ahead of whoever reads the body; more waits in the connection, and slows the provider down. */
const mostWaitingBytes = 64 * 1024

/**
 * Sends one request and resolves with the head of its answer. It stands on the dispatcher itself: undici's own `request` makes a Node stream of every
 * body, which costs a call as much as sending it does. Rejects when there is no answer, or when it is cancelled first.
 */
export function dispatch(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  cancellation: Cancellation,
): Promise<Dispatched> {
  if (cancellation.reason !== null) return Promise.reject(cancellation.reason)
  const exchange = new Exchange(cancellation)
  dispatcher.dispatch(options, exchange)
  return exchange.head
}

/** A request under way: what has come of its answer and was not read yet, and who waits for more. */
class Exchange implements Dispatcher.DispatchHandler, AsyncIterableIterator<Uint8Array> {
  readonly head: Promise<Dispatched>
  readonly #answered = Promise.withResolvers<Dispatched>()
  readonly #cancellation: Cancellation
  #controller: Dispatcher.DispatchController | null = null
  readonly #chunks: Uint8Array[] = []
  #waitingBytes = 0
  #over = false
  #failure: Error | null = null
  #reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | null = null

  constructor(cancellation: Cancellation) {
    this.head = this.#answered.promise
    this.#cancellation = cancellation
    cancellation.onCancel(() => this.#cancelled(cancellation.reason!))
  }

  #cancelled(reason: Error): void {
    if (this.#over) return
    this.#controller?.abort(reason)
    // The dispatcher tells of a request that is aborted before it has a connection only when it has one.
    this.#answered.reject(reason)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#cancellation.reason !== null) controller.abort(this.#cancellation.reason)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // 100 Continue and its like come before the answer.
    if (status >= 200) this.#answered.resolve({ status, headers, body: this })
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#over) return
    if (this.#reader !== null) {
      this.#reader.resolve({ done: false, value: chunk })
      this.#reader = null
      return
    }
    this.#chunks.push(chunk)
    this.#waitingBytes += chunk.byteLength
    if (this.#waitingBytes > mostWaitingBytes) this.#controller?.pause()
  }

  onResponseEnd(): void {
    this.#end(null)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(error)
    this.#answered.reject(error)
  }

  #end(failure: Error | null): void {
    if (this.#over) return
    this.#over = true
    this.#failure = failure
    if (failure === null) this.#reader?.resolve({ done: true, value: undefined })
    else this.#reader?.reject(failure)
    this.#reader = null
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#waitingBytes -= chunk.byteLength
      if (this.#waitingBytes <= mostWaitingBytes && this.#controller?.paused === true) this.#controller.resume()
      return Promise.resolve({ done: false, value: chunk })
    }
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (this.#over) return Promise.resolve({ done: true, value: undefined })
    this.#reader = Promise.withResolvers()
    return this.#reader.promise
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#over) this.#controller?.abort(new Error('nobody reads the answer any more'))
    return Promise.resolve({ done: true, value: undefined })
  }
}
