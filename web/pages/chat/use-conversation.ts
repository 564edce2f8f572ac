import { createParser } from 'eventsource-parser'
import { useCallback, useEffect, useState } from 'react'
import { asFailure, type Client, type Failure, useCredits } from '../../../react/index.ts'
import { afterEvent, type ChatEvent, type ChatMessage, isWorking, withWaiting } from './conversation.ts'

export interface ConversationState {
  /** null until it is loaded. */
  readonly messages: readonly ChatMessage[] | null
  readonly error: Failure | null
  /** Throws Failure. The same id again sends nothing more. */
  readonly send: (id: string, text: string) => Promise<void>
  readonly stop: () => Promise<void>
  readonly decide: (messageId: string, approved: boolean) => Promise<void>
}

/** How long until a cut connection is opened again, ms, each time twice as long. */
const [firstMs, mostMs] = [500, 15_000]

const silentMs = 4_000

/** One conversation with one employee, followed as long as it is shown. */
export function useConversation(employee: string): ConversationState {
  const { client } = useCredits()
  const name = `web-${employee}`
  const path = `/company/conversations/${encodeURIComponent(name)}`
  const [messages, setMessages] = useState<readonly ChatMessage[] | null>(null)
  const [error, setError] = useState<Failure | null>(null)

  useEffect(() => {
    const gone = new AbortController()
    const { signal } = gone
    const load = async (): Promise<void> => {
      const view = await client.ask<{ messages: readonly ChatMessage[] }>(path, { signal })
      setMessages(view.messages)
      setError(null)
    }
    const followed = async (): Promise<void> => {
      let waitMs = firstMs
      let since: string | undefined
      while (!signal.aborted) {
        try {
          if (since === undefined) await load()
          await follow(client, `${path}/events`, since, signal, (event, id) => {
            waitMs = firstMs
            since = id ?? since
            if (event.kind === 'missed') void load()
            else setMessages((before) => afterEvent(before ?? [], event))
          })
        } catch (failure) {
          if (signal.aborted) return
          setError(asFailure(failure))
        }
        await new Promise((resolve) => setTimeout(resolve, waitMs))
        waitMs = Math.min(mostMs, waitMs * 2)
      }
    }
    setMessages(null)
    void followed()
    return () => gone.abort()
  }, [client, path])

  // A parked answer tells nobody: whether it waits is asked while nothing is heard of it
  const last = messages?.at(-1)
  const isSilent = last !== undefined && isWorking(last)
  const [silences, setSilences] = useState(0)
  useEffect(() => {
    if (!isSilent) return undefined
    const timer = setTimeout(() => {
      void client
        .ask<{ messages: readonly ChatMessage[] }>(path)
        .then(
          ({ messages: now }) => setMessages((before) => (before === null ? before : withWaiting(before, now))),
          () => undefined,
        )
        .finally(() => setSilences((count) => count + 1))
    }, silentMs)
    return () => clearTimeout(timer)
  }, [client, path, isSilent, last?.text, silences])

  const send = useCallback(
    (id: string, text: string) =>
      client.ask<void>(`${path}/messages`, { method: 'POST', body: { id, employee, text } }),
    [client, path, employee],
  )
  const stop = useCallback(() => client.ask<void>(`${path}/stop`, { method: 'POST' }), [client, path])
  const decide = useCallback(
    (messageId: string, approved: boolean) =>
      client.ask<void>(`${path}/messages/${messageId}/approval`, { method: 'POST', body: { approved } }),
    [client, path],
  )
  return { messages, error, send, stop, decide }
}

type Told = ChatEvent | { readonly kind: 'missed' }

async function follow(
  client: Client,
  path: string,
  since: string | undefined,
  signal: AbortSignal,
  onEvent: (event: Told, id: string | undefined) => void,
): Promise<void> {
  const answer = await client.open(path, {
    headers: { accept: 'text/event-stream', ...(since === undefined ? {} : { 'last-event-id': since }) },
    signal,
  })
  const parser = createParser({ onEvent: ({ data, id }) => onEvent(JSON.parse(data) as Told, id) })
  const decoder = new TextDecoder()
  const reader = answer.body!.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    parser.feed(decoder.decode(value, { stream: true }))
  }
}
