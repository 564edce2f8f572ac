import { type BalanceLevel, levelOf, percentLeft } from '../credits/level.ts'
import type { Micro } from '../credits/money.ts'
import { asFailure, type Failure } from './api/failure.ts'
import type { Client } from './api/client.ts'
import type { Alert, Balance, Page, Session } from './api/shapes.ts'
import type { FeedEvent, FeedState, FeedStatus } from './feed/events.ts'
import type { Feed, FeedOptions } from './feed/feed.ts'
import { openSharedFeed } from './feed/shared-feed.ts'
import { sessionPath } from './session-path.ts'
import { withSession } from './with-session.ts'

/** What is known of the account. A reading that is not there is null, never zero. */
export interface AccountState {
  readonly balance: Balance | null
  readonly level: BalanceLevel
  /** '76%', to be followed by "left"; null while it is not known. */
  readonly percentLeft: string | null
  readonly status: FeedStatus
  readonly heardAtMs: number | null
  /** Why there is no balance. */
  readonly error: Failure | null
  /** This period's, newest first. */
  readonly alerts: readonly Alert[]
  /** Calls and meetings that run, and those whose end was heard of, the latest first. */
  readonly sessions: readonly Session[]
  /** How far the server's clock is ahead of this one, ms. */
  readonly clockOffsetMs: number
  readonly signedOut: boolean
  /** Somebody was refused for want of credits, whatever the balance says; until a later one is heard. */
  readonly isRefused: boolean
}

export interface AccountStore {
  readonly get: () => AccountState
  /** For useSyncExternalStore. The first one who listens opens the feed, the last one who leaves closes it. */
  readonly subscribe: (listener: () => void) => () => void
  /** Each event as it comes. */
  readonly onEvent: (listener: (event: FeedEvent) => void) => () => void
  /** Asks anew for what the feed does not repeat. */
  refetch(): Promise<void>
  /** Notes that an alert was seen. What the server does not hear stays new. */
  acknowledge(alertId: string): Promise<void>
  /** Takes what the API answered of a session; one that is older than what is known changes nothing. */
  readonly learnSession: (session: Session) => void
  /** Takes a 402 `credits_depleted` for what it says, and asks for the balance; false for any other error. */
  readonly report402: (error: unknown) => boolean
}

export interface StoreOptions {
  readonly client: Client
  readonly transport?: FeedOptions['transport']
  /** Makes listeners hear of changes once per frame. */
  readonly schedule?: (paint: () => void) => void
}

const start: AccountState = {
  balance: null,
  level: 'unknown',
  percentLeft: null,
  status: 'connecting',
  heardAtMs: null,
  error: null,
  alerts: [],
  sessions: [],
  clockOffsetMs: 0,
  signedOut: false,
  isRefused: false,
}

/** The account as all components on a page see it. */
export function createAccountStore({
  client,
  transport = 'auto',
  schedule = oncePerFrame,
}: StoreOptions): AccountStore {
  const listeners = new Set<() => void>()
  const eventListeners = new Set<(event: FeedEvent) => void>()
  let state = start
  let painted = start
  let isDue = false
  let connection: { readonly closing: AbortController; feed?: Feed } | undefined

  const change = (part: Partial<AccountState>): void => {
    state = { ...state, ...part }
    if (isDue) return
    isDue = true
    schedule(() => {
      isDue = false
      painted = state
      for (const listener of listeners) listener()
    })
  }

  function learnBalance(next: Balance, isAnswer = false): void {
    const { balance } = state
    if (balance !== null && balance.epoch === next.epoch && next.version <= balance.version) {
      // Asked for after the refusal, and nothing has changed: there are credits again, or still
      if (isAnswer && next.version === balance.version && state.isRefused) change({ isRefused: false })
      return
    }
    const isNewPeriod = balance !== null && balance.period !== next.period
    change({
      balance: next,
      level: levelOf(next.remaining, next.total as Micro),
      percentLeft: percentLeft(next.remaining, next.total as Micro),
      error: null,
      isRefused: false,
      clockOffsetMs: Date.parse(next.serverTime) - Date.now(),
      ...(isNewPeriod ? { alerts: [] } : {}),
    })
  }

  function learnEvent(event: FeedEvent): void {
    if (event.event === 'balance') learnBalance(event.data)
    if (event.event === 'alert') learnAlerts([event.data, ...state.alerts])
    if (event.event === 'session') learnSession(event.data)
    for (const listener of eventListeners) listener(event)
  }

  function learnAlerts(alerts: readonly Alert[]): void {
    const byId = new Map<string, Alert>()
    // What was seen stays seen, whichever came first
    for (const alert of alerts) {
      const known = byId.get(alert.id)
      byId.set(alert.id, known === undefined || known.acknowledgedAt === null ? alert : known)
    }
    change({ alerts: [...byId.values()].toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at)) })
  }

  function learnSession(session: Session): void {
    const sessions = withSession(state.sessions, session)
    if (sessions !== state.sessions) change({ sessions })
  }

  function learnState({ status, heardAtMs }: FeedState): void {
    const isConnected = status === 'live' && state.status !== 'live'
    change({ status, heardAtMs: heardAtMs ?? state.heardAtMs })
    // What happened before the feed had begun it does not tell
    if (isConnected) void refetch()
  }

  const signedOut = (): void => change({ ...start, signedOut: true })

  const refetch = async (): Promise<void> => {
    await Promise.all([learning(true), learnOpenSessions()])
  }

  async function learnOpenSessions(): Promise<void> {
    const asked = connection
    try {
      const { items } = await client.ask<Page<Session>>('/credits/v1/sessions?state=open')
      // Of those that ended meanwhile nobody tells any more
      const gone = state.sessions.filter(
        ({ id, state: was }) => was !== 'ended' && !items.some((open) => open.id === id),
      )
      const ended = await Promise.all(gone.map(({ id }) => client.ask<Session>(sessionPath(id))))
      if (asked === connection) [...items, ...ended].forEach(learnSession)
    } catch {
      // Each of them is asked about where it is shown
    }
  }

  async function learning(withAlerts: boolean): Promise<void> {
    const asked = connection
    try {
      const balance = await client.ask<Balance>('/credits/v1/balance')
      if (asked !== connection) return
      learnBalance(balance, true)
      if (!withAlerts) return
      const { items } = await client.ask<{ items: readonly Alert[] }>('/credits/v1/alerts')
      if (asked !== connection) return
      learnAlerts(items.filter(({ period }) => period === balance.period))
    } catch (error) {
      if (asked !== connection) return
      const failure = asFailure(error)
      if (failure.status === 401) signedOut()
      else change({ error: failure })
    }
  }

  function open(): void {
    const mine: NonNullable<typeof connection> = { closing: new AbortController() }
    connection = mine
    void (async () => {
      // The feed of an account is shared under its id, which the first answer tells
      for (let failures = 0; !mine.closing.signal.aborted; failures += 1) {
        await learning(false)
        if (mine.closing.signal.aborted || state.signedOut) return
        const { balance } = state
        if (balance !== null) {
          mine.feed = openSharedFeed({
            accountId: balance.accountId,
            client,
            transport,
            onEvent: learnEvent,
            onState: learnState,
            onSignedOut: signedOut,
          })
          return
        }
        await new Promise((resolve) => setTimeout(resolve, Math.min(15_000, 500 * 2 ** failures)))
      }
    })()
  }

  function close(): void {
    connection?.closing.abort()
    connection?.feed?.close()
    connection = undefined
  }

  return {
    get: () => painted,
    subscribe(listener) {
      listeners.add(listener)
      if (listeners.size === 1) open()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) close()
      }
    },
    onEvent(listener) {
      eventListeners.add(listener)
      return () => void eventListeners.delete(listener)
    },
    refetch,
    learnSession,
    report402(error) {
      if (asFailure(error).code !== 'credits_depleted') return false
      change({ isRefused: true })
      void refetch()
      return true
    },
    async acknowledge(alertId) {
      try {
        const path = `/credits/v1/alerts/${encodeURIComponent(alertId)}/ack`
        const alert = await client.ask<Alert>(path, { method: 'POST', body: {} })
        if (alert.period === state.balance?.period) learnAlerts([alert, ...state.alerts])
      } catch {
        // It counts as new until the server has heard that it was seen
      }
    },
  }
}

/** A hidden page gets no frames, but is to be right when it is looked at. */
function oncePerFrame(paint: () => void): void {
  if (typeof document !== 'undefined' && document.visibilityState === 'visible') requestAnimationFrame(paint)
  else setTimeout(paint, 100)
}
