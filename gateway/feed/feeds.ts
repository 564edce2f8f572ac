import { type AccountFeed, type AccountFeedDeps, openAccountFeed, type Viewer } from './account-feed.ts'
import type { AlertView } from '../../credits/account/messages.ts'
import type { Position } from './position.ts'

/** The live feeds of all accounts that somebody looks at; nothing is read for the others. */
export interface Feeds {
  /** Adds a viewer; the first one of an account opens its feed, the answer takes the viewer out again and the last one closes it. */
  join(accountId: string, viewer: Viewer, since: Position | undefined): Promise<() => void>
  /** Tells those who watch the account here; others see it when they come back. */
  tellAlert(accountId: string, alert: AlertView): void
  /** Accounts that are watched now. */
  readonly watched: number
  close(): Promise<void>
}

/** How soon a grant or a hold is seen that no receipt tells of. */
const pollMs = 500
/** A feed whose ledger does not answer this long is ended: a silent page would believe an old balance. */
const blindMs = 10_000

interface Open {
  readonly feed: Promise<AccountFeed>
  viewers: number
  failingSinceMs: number | undefined
}

export function createFeeds(deps: AccountFeedDeps & { readonly now: () => number }): Feeds {
  const open = new Map<string, Open>()
  let polling: NodeJS.Timeout | undefined

  const poll = async (accountId: string, state: Open): Promise<void> => {
    const feed = await state.feed
    try {
      await feed.poll()
      state.failingSinceMs = undefined
    } catch (error) {
      state.failingSinceMs ??= deps.now()
      if (deps.now() - state.failingSinceMs < blindMs) return
      deps.log.warn({ err: error, accountId }, 'feed: ended, since its account cannot be read')
      feed.close()
    }
  }
  const pollAll = async (): Promise<void> => {
    await Promise.allSettled([...open].map(([accountId, state]) => poll(accountId, state)))
    polling = open.size === 0 ? undefined : setTimeout(() => void pollAll(), pollMs).unref()
  }
  const leave = async (accountId: string, state: Open): Promise<void> => {
    state.viewers -= 1
    if (state.viewers > 0) return
    if (open.get(accountId) === state) open.delete(accountId)
    await state.feed.then(
      (feed) => feed.close(),
      () => {},
    )
  }

  return {
    get watched() {
      return open.size
    },
    tellAlert(accountId, alert) {
      void open.get(accountId)?.feed.then(
        (feed) => feed.tellAlert(alert),
        () => {},
      )
    },
    async join(accountId, viewer, since) {
      const state: Open = open.get(accountId) ?? {
        feed: openAccountFeed(accountId, deps),
        viewers: 0,
        failingSinceMs: undefined,
      }
      open.set(accountId, state)
      state.viewers += 1
      polling ??= setTimeout(() => void pollAll(), pollMs).unref()
      try {
        const feed = await state.feed
        await feed.join(viewer, since)
        return () => {
          feed.leave(viewer)
          void leave(accountId, state)
        }
      } catch (error) {
        await leave(accountId, state)
        throw error
      }
    },
    async close() {
      clearTimeout(polling)
      const states = [...open.values()]
      open.clear()
      await Promise.allSettled(states.map(async (state) => (await state.feed).close()))
      await deps.watch.close()
    },
  }
}
