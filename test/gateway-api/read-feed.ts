import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { Api } from '../../gateway/route.ts'

export interface FeedReader {
  readonly response: Response
  readonly events: readonly EventSourceMessage[]
  readonly comments: readonly string[]
  /** The first event of a kind that fits, now or later. */
  next(event: string, fits?: (data: Data) => boolean): Promise<{ readonly id: string; readonly data: Data }>
  /** Resolves when the server ends the stream. */
  readonly ended: Promise<void>
  leave(): void
}
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into events of every shape
type Data = any

export interface FeedServer {
  read(key: string, lastEventId?: string): Promise<FeedReader>
  stop(): Promise<void>
}

/** Serves an app, to read its feed over real connections. */
export async function serveFeed(app: Api): Promise<FeedServer> {
  const server = createAdaptorServer({ fetch: app.fetch })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    read: (key, lastEventId) => readFeed(url, key, lastEventId),
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

async function readFeed(url: string, key: string, lastEventId?: string): Promise<FeedReader> {
  const leaving = new AbortController()
  const response = await fetch(`${url}/credits/v1/feed`, {
    headers: { authorization: `Bearer ${key}`, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    signal: leaving.signal,
  })
  const events: EventSourceMessage[] = []
  const comments: string[] = []
  const waiting = new Set<() => void>()
  const parser = createParser({
    onEvent: (event) => (events.push(event), waiting.forEach((look) => look())),
    onComment: (comment) => comments.push(comment),
  })
  const ended = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body!) parser.feed(decoder.decode(chunk, { stream: true }))
  })().catch(() => {})
  return {
    response,
    events,
    comments,
    next: (name, fits = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          for (const { event, id, data } of events) {
            const parsed = JSON.parse(data)
            if (event !== name || !fits(parsed)) continue
            waiting.delete(look)
            resolve({ id: id!, data: parsed })
            return
          }
        }
        waiting.add(look)
        look()
      }),
    ended,
    leave: () => leaving.abort(),
  }
}
