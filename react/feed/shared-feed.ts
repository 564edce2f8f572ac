import type { Balance } from '../api/shapes.ts'
import type { FeedEvent, FeedState } from './events.ts'
import { type Feed, type FeedOptions, openFeed } from './feed.ts'

export interface SharedFeedOptions extends FeedOptions {
  /** Whose feed it is: tabs of another account share nothing with this one. */
  readonly accountId: string
}

type Message =
  | { readonly kind: 'event'; readonly event: FeedEvent }
  | { readonly kind: 'state'; readonly state: FeedState }
  | { readonly kind: 'signed_out' }
  /** A tab that has just come asks what there is. */
  | { readonly kind: 'hello' }

/**
 * The account's feed, over one connection for all tabs of a browser profile: over HTTP/1.1 a browser opens six connections to a server, so with one each, the
 * seventh tab would hang. The tab that holds the lock has the connection and tells the others; when it closes, the next one takes over.
 */
export function openSharedFeed(options: SharedFeedOptions): Feed {
  const { accountId, onEvent, onState, onSignedOut } = options
  // Without locks (a page without TLS that is not on localhost) each tab has its own
  const locks = globalThis.navigator?.locks as LockManager | undefined
  if (locks === undefined || typeof BroadcastChannel === 'undefined') return openFeed(options)
  const name = `tollgate-feed:${accountId}`
  const channel = new BroadcastChannel(name)
  const closing = new AbortController()
  let leads = false
  let state: FeedState = { status: 'connecting', heardAtMs: null }
  let balance: Balance | undefined

  const post = (message: Message): void => {
    if (!closing.signal.aborted) channel.postMessage(message)
  }
  const learnEvent = (event: FeedEvent): void => {
    if (event.event === 'balance') balance = event.data
    onEvent(event)
  }
  const learnState = (next: FeedState): void => {
    state = next
    onState(next)
  }
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    if (closing.signal.aborted) return
    if (data.kind === 'hello') {
      if (!leads) return
      post({ kind: 'state', state })
      if (balance !== undefined) post({ kind: 'event', event: { event: 'balance', data: balance } })
      return
    }
    if (leads) return
    if (data.kind === 'event') learnEvent(data.event)
    else if (data.kind === 'state') learnState(data.state)
    else signedOut()
  })
  const signedOut = (): void => {
    close()
    onSignedOut()
  }

  void locks
    .request(name, { signal: closing.signal }, async () => {
      // Granted after the close: whoever waits behind must not wait for a tab that is gone
      if (closing.signal.aborted) return
      leads = true
      const feed = openFeed({
        ...options,
        onEvent(event) {
          learnEvent(event)
          post({ kind: 'event', event })
        },
        onState(next) {
          learnState(next)
          post({ kind: 'state', state: next })
        },
        onSignedOut() {
          post({ kind: 'signed_out' })
          signedOut()
        },
      })
      await new Promise((resolve) => closing.signal.addEventListener('abort', resolve))
      feed.close()
    })
    .catch(() => {})
  post({ kind: 'hello' })

  function close(): void {
    if (closing.signal.aborted) return
    closing.abort()
    channel.close()
  }
  return { close }
}
