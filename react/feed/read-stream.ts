import { createParser } from 'eventsource-parser'
import { Failure } from '../api/failure.ts'
import type { Client } from '../api/client.ts'
import type { FeedEvent } from './events.ts'

/** A connection on which nothing was heard for so long is dead, whatever the browser believes: the server gives a sign of life every 4 s. */
export const deadAfterMs = 25_000

export interface StreamListener {
  /** Anything was heard, a mere sign of life too. */
  onContact(): void
  onEvent(event: FeedEvent): void
  /** From where to go on after a cut. */
  onPosition(id: string): void
}

/**
 * Reads one connection to the feed until it ends. Resolves when the server closed it, rejects with Failure when it could not be opened, was cut or is dead (`silent`).
 */
export async function readStream(
  client: Pick<Client, 'open'>,
  {
    since,
    listener,
    signal,
  }: { readonly since: string | undefined; readonly listener: StreamListener; readonly signal: AbortSignal },
): Promise<void> {
  const dead = new AbortController()
  let timer = setTimeout(() => dead.abort(), deadAfterMs)
  const heard = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => dead.abort(), deadAfterMs)
    listener.onContact()
  }
  const parser = createParser({
    onEvent({ event, data, id }) {
      if (id !== undefined) listener.onPosition(id)
      const told = parsed(event, data)
      if (told !== undefined) listener.onEvent(told)
    },
  })
  try {
    const answer = await client.open('/credits/v1/feed', {
      headers: { accept: 'text/event-stream', ...(since === undefined ? {} : { 'last-event-id': since }) },
      signal: AbortSignal.any([signal, dead.signal]),
    })
    if (answer.body === null) throw new Failure('malformed', 'the feed has no body')
    const decoder = new TextDecoder()
    const reader = answer.body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard()
      parser.feed(decoder.decode(value, { stream: true }))
    }
  } catch (error) {
    if (dead.signal.aborted) throw new Failure('silent', 'nothing was heard for too long')
    if (error instanceof Failure) throw error
    throw new Failure('offline', 'the feed was cut')
  } finally {
    clearTimeout(timer)
  }
}

/** undefined for what this version does not know. */
function parsed(event: string | undefined, data: string): FeedEvent | undefined {
  try {
    const known = { event, data: JSON.parse(data) as unknown } as FeedEvent
    if (known.event === 'balance' && !Number.isSafeInteger(known.data.version)) return undefined
    return known
  } catch {
    return undefined
  }
}
