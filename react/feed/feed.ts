import { asFailure } from '../api/failure.ts'
import type { Client } from '../api/client.ts'
import type { Alert, Balance, Page } from '../api/shapes.ts'
import type { FeedEvent, FeedState, FeedStatus } from './events.ts'
import { readStream } from './read-stream.ts'

export interface FeedOptions {
  readonly client: Client
  readonly onEvent: (event: FeedEvent) => void
  readonly onState: (state: FeedState) => void
  /** Whoever was signed in is not any more. */
  readonly onSignedOut: () => void
  /** `auto` falls back to asking every so often where streams keep failing. */
  readonly transport?: 'auto' | 'sse' | 'poll'
}

export interface Feed {
  close(): void
}

const [firstRetryMs, mostRetryMs] = [500, 15_000]
const staleAfterMs = 10_000
const offlineAfterFailures = 4
const pollAfterFailures = 3
const pollMs = 15_000

/** One connection to the feed that comes back by itself, from where it was cut. */
export function openFeed({ client, onEvent, onState, onSignedOut, transport = 'auto' }: FeedOptions): Feed {
  const closing = new AbortController()
  let since: string | undefined
  let failures = 0
  let state: FeedState = { status: 'connecting', heardAtMs: null }
  let staleTimer: ReturnType<typeof setTimeout> | undefined
  let wake = (): void => {}
  /** By asking; those of a stream come once by themselves. */
  const toldAlerts = new Set<string>()

  const become = (status: FeedStatus, heardAtMs = state.heardAtMs): void => {
    if (closing.signal.aborted) return
    const isNews = status !== state.status
    state = { status, heardAtMs }
    if (isNews) onState(state)
  }
  const heard = (nextWithinMs = 0): void => {
    clearTimeout(staleTimer)
    const staleMs = nextWithinMs + staleAfterMs
    staleTimer = setTimeout(() => become(failures >= offlineAfterFailures ? 'offline' : 'stale'), staleMs)
    become('live', Date.now())
  }
  const failed = (error: unknown): void => {
    if (closing.signal.aborted) return
    const { status, code } = asFailure(error)
    if (status === 401) {
      close()
      onSignedOut()
      return
    }
    failures += 1
    // Something on the way keeps streams back: the next ones would be as silent
    if (code === 'silent') failures = Math.max(failures, pollAfterFailures)
    // What is asked for still comes while streams fail
    if (failures >= offlineAfterFailures && state.status !== 'live') become('offline')
  }

  async function stream(): Promise<void> {
    while (!closing.signal.aborted) {
      let opened = false
      try {
        await readStream(client, {
          since,
          signal: closing.signal,
          listener: {
            onContact() {
              if (!opened) failures = 0
              opened = true
              heard()
            },
            onEvent,
            onPosition: (id) => void (since = id),
          },
        })
        // Closed by the server, as it does when it restarts
        if (!opened) failures += 1
      } catch (error) {
        failed(error)
      }
      await pause(backoff(failures))
    }
  }

  async function poll(): Promise<void> {
    while (!closing.signal.aborted) {
      if (transport === 'poll' || failures >= pollAfterFailures) await pollOnce()
      await pause(pollMs)
    }
  }

  async function pollOnce(): Promise<void> {
    try {
      const data = await client.ask<Balance>('/credits/v1/balance', { signal: closing.signal })
      heard(pollMs)
      onEvent({ event: 'balance', data })
      const { items } = await client.ask<Page<Alert>>('/credits/v1/alerts', { signal: closing.signal })
      for (const alert of items.filter(({ id, period }) => period === data.period && !toldAlerts.has(id))) {
        toldAlerts.add(alert.id)
        onEvent({ event: 'alert', data: alert })
      }
    } catch (error) {
      if (transport === 'poll') failed(error)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      const before = wake
      wake = () => {
        clearTimeout(timer)
        before()
        resolve()
      }
    })
  }

  function close(): void {
    closing.abort()
    clearTimeout(staleTimer)
    globalThis.removeEventListener?.('online', retryNow)
    wake()
  }
  function retryNow(): void {
    const go = wake
    wake = () => {}
    go()
  }

  globalThis.addEventListener?.('online', retryNow)
  if (transport !== 'poll') void stream()
  if (transport !== 'sse') void poll()
  return { close }
}

/** Doubles each time, and up to a half is taken off: a crowd that was cut off together does not come together. */
function backoff(failures: number): number {
  const full = Math.min(mostRetryMs, firstRetryMs * 2 ** Math.min(Math.max(0, failures - 1), 10))
  return full * (1 - Math.random() / 2)
}
