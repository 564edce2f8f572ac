import type { AccountView, AlertView } from '../../credits/account/messages.ts'
import type { Policies } from '../../credits/catalogue.ts'
import { atMost } from '../../credits/level.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { GrantCard } from '../../credits/terms.ts'
import type { AccountReading, AccountSnapshot } from '../../ledger/ledger.ts'
import type { SessionView } from '../../middleware/sessions/session-view.ts'
import type { Sessions } from '../../middleware/sessions/sessions.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { alertOf } from '../api/alert-of.ts'
import { balanceOf } from '../api/balance-of.ts'
import { sessionOf } from '../api/session-of.ts'
import { budgetsOf } from '../api/budget-of.ts'
import { debitOf } from '../api/debit.ts'
import type { Paces } from '../api/paces.ts'
import { grantOf } from '../api/grant-of.ts'
import { atMostEvery } from './at-most-every.ts'
import type { EventStream, FeedEvent } from './event-stream.ts'
import { missedReceipts, type MissedDeps } from './missed-receipts.ts'
import { formatPosition, inOrder, isAfter, type Position } from './position.ts'
import type { ReceiptWatch } from './receipt-watch.ts'

export type Viewer = Pick<EventStream, 'send' | 'end'>

export interface AccountFeedDeps extends MissedDeps {
  readonly journal: MissedDeps['journal'] & {
    newestSerial(accountId: string): Promise<number>
    highestN(accountId: string, lineages: { readonly from: number; readonly to: number }): Promise<number>
  }
  /** A fresh reading; rejects with what the door answers when there is none. */
  readonly read: (accountId: string) => Promise<AccountReading>
  /** Budget windows too. */
  readonly inspect: (accountId: string) => Promise<AccountSnapshot>
  readonly paces: Paces
  readonly watch: ReceiptWatch
  /** What the workflow knows; undefined when it cannot be asked. */
  readonly view: (accountId: string) => Promise<Pick<AccountView, 'alerts'> | undefined>
  readonly catalogue: { readonly alerts: readonly number[]; readonly policies: Pick<Policies, 'depletedBelow'> }
  readonly sessions: Pick<Sessions, 'open' | 'find'>
  readonly log: { warn(fields: object, message: string): void }
}

/** All that the viewers of one account share: one watch, one poll, one position. */
export interface AccountFeed {
  /** Snapshot first, then what was missed since, then everything as it happens. */
  join(viewer: Viewer, since: Position | undefined): Promise<void>
  leave(viewer: Viewer): void
  /** Looks for what no receipt told of: grants, holds, periods. Also finds receipts that the watch missed. */
  poll(): Promise<void>
  /** An alert changed: its user has seen it, on whichever device. */
  tellAlert(alert: AlertView): void
  /** Ends every viewer. */
  close(): void
}

/** At most 20 balances a second; the last one is always sent. */
const balanceGapMs = 50
/** Budgets are read apart, and less often: nobody watches one as they watch the balance. */
const budgetGapMs = 1_000
/** Of a call that goes on, so often. */
const sessionEveryMs = 2_000
/** How long to ask the workflow for an alert that is due, at growing intervals: reconciliation takes up to a minute. */
const alertDelaysMs = [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 30_000]

export async function openAccountFeed(accountId: string, deps: AccountFeedDeps): Promise<AccountFeed> {
  const viewers = new Set<Viewer>()
  const closing = new AbortController()
  const toldAlerts = new Set<string>()
  let reading: AccountReading
  let position: Position
  let sweptAt = -1
  let chasing = false

  // One thing at a time: positions stay in step with what was told, and nobody is told of something before their snapshot.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T> | T): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch((error: unknown) => deps.log.warn({ err: error, accountId }, 'feed: a step failed'))
    return done
  }
  const event = (name: FeedEvent['event'], data: unknown, at: Position = position): FeedEvent => ({
    event: name,
    id: formatPosition(at),
    data,
  })
  const readNow = async (): Promise<AccountReading> => {
    const next = await deps.read(accountId)
    void deps.paces
      .learn(next)
      .catch((error: unknown) => deps.log.warn({ err: error, accountId }, 'feed: its pace is not known'))
    return next
  }
  const tell = (told: FeedEvent): void => viewers.forEach((viewer) => viewer.send(told))

  const balanceToTell = (next: AccountReading) => balanceOf(next, deps.catalogue.policies, deps.paces.of(next))

  const tellReceipt = (receipt: Receipt): void => {
    if (!isAfter(receipt, position)) return
    position = { ...position, lineage: receipt.lineage, n: receipt.n }
    tell(event('debit', debitOf(receipt)))
  }
  const onReceipt = async (receipt: Receipt): Promise<void> => {
    // A number left out means that the watch missed one, for example while its connection was away.
    if (receipt.lineage === position.lineage && receipt.n > position.n + 1) await sweep()
    tellReceipt(receipt)
  }
  const sweep = async (): Promise<void> => {
    const missed = await orNull(missedReceipts(deps, accountId, position))
    missed?.receipts.forEach(tellReceipt)
    if (missed !== null && missed.serial !== null) position = { ...position, serial: missed.serial }
  }

  const tellReading = (next: AccountReading): void => {
    const before = reading
    reading = next
    if (before.lineage === next.lineage && before.epoch === next.epoch && next.version <= before.version) return
    tell(event('balance', balanceToTell(next)))
    if (next.epoch !== before.epoch) {
      const { periodStart, periodEnd, period, total } = balanceOf(next, deps.catalogue.policies)
      tell(event('period', { period, periodStart, periodEnd, total }))
    }
    const known = new Set(before.card.grants.map((grant) => grant.id))
    for (const grant of next.card.grants)
      if (!known.has(grant.id) && grant.source !== 'plan') tell(event('grant', freshGrant(grant, next)))
    void chaseAlerts()
  }
  const toldBudgets = new Map<string, string>()
  const refreshBudgets = atMostEvery(budgetGapMs, async () => {
    const budgets = budgetsOf(await deps.inspect(accountId))
    await inTurn(() => {
      for (const budget of budgets) {
        const { level: _, windowEndsAt: __, ...figures } = budget
        const told = JSON.stringify(figures)
        if (toldBudgets.get(budget.id) === told) continue
        toldBudgets.set(budget.id, told)
        tell(event('budget', budget))
      }
    })
  })
  const refresh = atMostEvery(balanceGapMs, async () => {
    const next = await readNow()
    await inTurn(() => tellReading(next))
    if ((next.card.budgets ?? []).length > 0) void refreshBudgets().catch(() => {})
  })

  const toldSessions = new Map<string, string>()
  const tellSession = (view: SessionView): void => {
    const told = `${view.state} ${view.secondsLeft === null} ${Math.floor(view.ms / sessionEveryMs)}`
    if (toldSessions.get(view.sessionId) === told) return
    if (view.state === 'ended') toldSessions.delete(view.sessionId)
    else toldSessions.set(view.sessionId, told)
    tell(event('session', sessionOf(view)))
  }
  const refreshSessions = async (): Promise<void> => {
    const open = await deps.sessions.open(accountId)
    const gone = [...toldSessions.keys()].filter((id) => !open.some(({ sessionId }) => sessionId === id))
    const ended = await Promise.all(gone.map((sessionId) => orNull(deps.sessions.find({ accountId, sessionId }))))
    for (const [at, view] of ended.entries()) if (view === null) toldSessions.delete(gone[at]!)
    // What may still be refused is not told.
    const views = [...open, ...ended].filter((view) => view !== null && (view.state !== 'starting' || view.isWaiting))
    await inTurn(() => views.forEach((view) => tellSession(view!)))
  }

  /** Thresholds that the balance has reached and no alert was told for. */
  const dueAlerts = (): readonly number[] => {
    const { remaining, total } = balanceOf(reading, deps.catalogue.policies)
    return deps.catalogue.alerts.filter(
      (threshold) => atMost(remaining, total, threshold) && !toldAlerts.has(`${reading.epoch}/${threshold}`),
    )
  }
  const learnAlerts = (alerts: readonly AlertView[], each: (alert: AlertView) => void): void => {
    for (const alert of alerts.filter(
      ({ epoch, threshold }) => epoch === reading.epoch && !toldAlerts.has(`${epoch}/${threshold}`),
    )) {
      toldAlerts.add(`${alert.epoch}/${alert.threshold}`)
      position = { ...position, alertsMs: Math.max(position.alertsMs, alert.atMs) }
      each(alert)
    }
  }
  // Alerts are the workflow's: it is asked only while one is due, and never for an account in comfort.
  const chaseAlerts = async (): Promise<void> => {
    if (chasing || dueAlerts().length === 0) return
    chasing = true
    for (const delayMs of alertDelaysMs) {
      await pause(delayMs, closing.signal)
      if (closing.signal.aborted || dueAlerts().length === 0) break
      const view = await deps.view(accountId)
      await inTurn(() => learnAlerts(view?.alerts ?? [], (alert) => tell(event('alert', alertOf(alert)))))
    }
    chasing = false
  }

  const stopWatching = await deps.watch.watch(accountId, (receipt) => {
    void inTurn(() => onReceipt(receipt)).catch(() => {})
    void refresh().catch(() => {})
  })
  try {
    await inTurn(async () => {
      reading = await readNow()
      position = await startPosition(deps, accountId, reading)
      if (dueAlerts().length > 0) learnAlerts((await deps.view(accountId))?.alerts ?? [], () => {})
    })
  } catch (error) {
    stopWatching()
    throw error
  }
  void chaseAlerts()

  return {
    async join(viewer, since) {
      await inTurn(async () => {
        tellReading(await readNow())
        if (since !== undefined) await sweep()
        viewer.send(event('balance', balanceToTell(reading), since ?? position))
        if (since !== undefined) {
          const missed = await orNull(missedReceipts(deps, accountId, since))
          for (const receipt of missed?.receipts ?? []) {
            if (!isAfter(receipt, position))
              viewer.send(event('debit', debitOf(receipt), { ...since, lineage: receipt.lineage, n: receipt.n }))
          }
          const alerts = since.alertsMs < position.alertsMs ? ((await deps.view(accountId))?.alerts ?? []) : []
          for (const alert of alerts)
            if (alert.epoch === reading.epoch && alert.atMs > since.alertsMs)
              viewer.send(event('alert', alertOf(alert)))
        }
        viewers.add(viewer)
      })
      for (const view of await deps.sessions.open(accountId)) viewer.send(event('session', sessionOf(view)))
    },
    leave: (viewer) => void viewers.delete(viewer),
    async poll() {
      await refresh()
      await refreshSessions()
      if (reading.version === sweptAt) return
      sweptAt = reading.version
      await inTurn(sweep)
    },
    tellAlert: (alert) => tell(event('alert', alertOf(alert))),
    close() {
      closing.abort()
      stopWatching()
      refresh.stop()
      refreshBudgets.stop()
      for (const viewer of viewers) viewer.end()
      viewers.clear()
    },
  }
}

/** Everything that is known when the feed opens counts as told: pages load it by the lists. */
async function startPosition(
  { journal, undrained }: AccountFeedDeps,
  accountId: string,
  { lineage }: AccountReading,
): Promise<Position> {
  const waiting = await undrained(accountId, () => true)
  const stored = await orNull(
    Promise.all([journal.newestSerial(accountId), journal.highestN(accountId, { from: lineage, to: lineage })]),
  )
  const [serial, highestN] = stored ?? [null, 0]
  const newest = waiting.toSorted(inOrder).at(-1)
  const ofStream = newest?.lineage === lineage ? newest.n : 0
  return { lineage, n: Math.max(highestN, ofStream), serial, alertsMs: 0 }
}

/** What the journal cannot say now the next sweep will. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof JournalUnavailable) return null
    throw error
  }
}

function freshGrant(
  { id, atMs, source, detail, amount, counts, resets, endsAtMs }: GrantCard,
  { card }: AccountReading,
) {
  return grantOf({
    id,
    atMs,
    source,
    detail,
    amount,
    left: counts,
    status: 'active',
    resetsAtMs: resets ? card.periodEndMs : (endsAtMs ?? null),
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    timer.unref()
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
