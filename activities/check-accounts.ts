import { LRUCache } from 'lru-cache'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import { LedgerUnavailable } from '../ledger/ledger.ts'
import { shardOf } from '../ledger/keys.ts'
import { createCheckAccount } from './check-account.ts'
import { createCloseEnded } from './close-ended.ts'
import type { ActivityDeps } from './deps.ts'
import { eachOf, inRound, isIn, type Round, shardsOf } from './round.ts'
import { rowsReport } from './rows-report.ts'

/** Looking into 256 shards costs some 15 ms of processor time; a check is in no hurry. */
const restMs = 2_000
/** Checks take at most half of the time: nobody waits for them. */
const mostRestMs = 30_000
const awayRestMs = 5_000
/** A check that failed is tried again after this long, then twice that, up to `most`: what it would find must not wait for a turn of all. */
const againMs = { first: 5_000, most: 30_000 }
/** Of those in one pass: if the account workflows are away, the others still have their turn. */
const mostAgain = 64
const perShard = 4
/** Each may wait for a drain. */
const atOnce = 16
/** Accounts whose last check is remembered. One that is forgotten is checked in full again, and starts anew as idle. */
const remembered = 200_000

/**
 * Checks all loaded accounts in turn, longest ago first, and at once after a hydrate, a repair, a restart of Redis or of this process. An
 * account that has not changed since its last check costs a look at Redis and one at the journal; idle for long enough, it leaves Redis. One
 * whose check fails rests a while, and keeps no other waiting.
 */
export function createCheckAccounts(deps: ActivityDeps) {
  const { ledger, journal, accounts, clock, log, count } = deps
  const { evictAfterMs = 3_600_000, checkEveryMs = 600_000, leaseMs = 60_000 } = deps
  const check = createCheckAccount(deps)
  const closeEnded = createCloseEnded(deps)
  const known = new LRUCache<string, Known>({ max: remembered })
  /** Looked at often enough to see the end of an idle time. */
  const everyMs = Math.min(checkEveryMs, evictAfterMs ?? checkEveryMs)
  /** Accounts whose check failed. What a restart forgets is checked then, with all others. */
  const again = new Map<string, Again>()
  let identity: string | undefined
  let allSinceMs = 0
  let allAgainAtMs = Number.POSITIVE_INFINITY

  return (round: Round): Promise<void> =>
    inRound(round, clock, async (stopped) => {
      const startedMs = clock.now()
      let answeredMs = startedMs
      let away: unknown
      let journalIsAway = false
      const awayShards = new Set<number>()
      await eachOf(await due(round), atOnce, stopped, async (accountId) => {
        if (journalIsAway || awayShards.has(shardOf(accountId))) return
        try {
          await turn(accountId)
          again.delete(accountId)
          answeredMs = clock.now()
        } catch (error) {
          if (stopped.aborted) return
          if (error instanceof JournalUnavailable) journalIsAway = true
          // With its master of a Cluster; the others answer.
          else if (error instanceof LedgerUnavailable) awayShards.add(shardOf(accountId))
          else return failed(accountId, error)
          away = error
        }
      })
      if (away !== undefined) {
        log.warn({ code: 'turn_failed', err: away }, 'accounts are not checked while the journal or the ledger is away')
        count?.('turn_failed', 1)
        return { restMs: awayRestMs }
      }
      // One that fails takes as long as its workflow is waited for: that is no work.
      return { restMs: Math.min(mostRestMs, Math.max(restMs, answeredMs - startedMs)) }
    })

  async function due(round: Round): Promise<Iterable<string>> {
    await noteIdentity()
    const nowMs = clock.now()
    if (nowMs >= allAgainAtMs) {
      allSinceMs = nowMs
      allAgainAtMs = Number.POSITIVE_INFINITY
    }
    const olderThanMs = Math.min(everyMs, nowMs - allSinceMs)
    const unchecked = await ledger.unchecked(shardsOf(round), { olderThanMs, perShard })
    const dueAgain = [...again].filter(([accountId, { atMs }]) => atMs <= nowMs && isIn(round, accountId))
    return new Set([
      ...unchecked.filter((accountId) => (again.get(accountId)?.atMs ?? 0) <= nowMs),
      ...dueAgain.slice(0, mostAgain).map(([accountId]) => accountId),
    ])
  }

  async function noteIdentity(): Promise<void> {
    let now: string
    try {
      now = await ledger.identity()
    } catch (error) {
      // While one master of a Cluster is away nobody knows who they all are; the shards of the others are checked meanwhile.
      if (error instanceof LedgerUnavailable) return
      throw error
    }
    if (now === identity) return
    if (identity !== undefined) {
      log.warn({ code: 'ledger_replaced' }, 'another Redis answers than before: all accounts are checked')
      count?.('ledger_replaced', 1)
    }
    identity = now
    allSinceMs = clock.now()
    // A hold that came back with an older Redis may be of a call which the journal has: its expiry is charged a second time, after the first check.
    allAgainAtMs = allSinceMs + 2 * leaseMs
    known.clear()
  }

  async function turn(accountId: string): Promise<void> {
    const reading = await ledger.read(accountId)
    if (reading.status !== 'loaded') {
      known.delete(accountId)
      return ledger.noteChecked(accountId)
    }
    const { lineage, version } = reading
    const before = known.get(accountId)
    const sameLedger = before?.version === version && before.lineage === lineage
    const sinceMs = sameLedger ? before.sinceMs : clock.now()
    const serial = await journal.newestSerial(accountId)
    if (sameLedger && before.serial === serial) {
      count?.('accounts_unchanged', 1)
    } else {
      const outcome = await check(accountId)
      if (outcome === 'moved') return
      if (outcome !== 'checked') {
        // To be checked in full again, changed or not: and it may not leave Redis, for what differs would be gone.
        known.delete(accountId)
        return ledger.noteChecked(accountId)
      }
      // Read before the check: what came meanwhile is for the next one.
      known.set(accountId, { lineage, version, serial, sinceMs })
    }
    // The reconciler that found it unsettled may have died since, and nobody works: the account would never leave.
    const ended = reading.earlier.map(({ epoch }) => epoch)
    if (ended.length > 0) await closeEnded(accountId, lineage, ended)
    if (evictAfterMs !== null && sameLedger && clock.now() - sinceMs >= evictAfterMs) {
      await reportHeld(accountId)
      const { status } = await ledger.evict(accountId, { lineage, version })
      if (status === 'evicted') {
        count?.('accounts_evicted', 1)
        known.delete(accountId)
        return
      }
    }
    await ledger.noteChecked(accountId)
  }

  /** What its workflow last heard to be held would be set aside again when the account comes back, though nothing is under way. */
  async function reportHeld(accountId: string): Promise<void> {
    const answer = await accounts.view(accountId)
    if (!answer.ok || answer.view.held === 0) return
    const snapshot = await ledger.inspect(accountId)
    if (snapshot.status === 'loaded') await accounts.reconcile(accountId, rowsReport(snapshot))
  }

  /** To the end of the queue: an account that fails must not keep the others of its shard from their turn. It is remembered here. */
  async function failed(accountId: string, error: unknown): Promise<void> {
    log.error({ code: 'turn_failed', accountId, err: error }, 'an account could not be checked')
    count?.('turn_failed', 1)
    const waitMs = Math.min(againMs.most, 2 * (again.get(accountId)?.waitMs ?? againMs.first / 2))
    // Anew, so that those that wait longest come first.
    again.delete(accountId)
    again.set(accountId, { atMs: clock.now() + waitMs, waitMs })
    await ledger.noteChecked(accountId).catch(() => undefined)
  }
}

interface Known {
  readonly lineage: number
  readonly version: number
  /** The journal's newest entry. */
  readonly serial: number
  /** Since when this version was seen. */
  readonly sinceMs: number
}

interface Again {
  readonly atMs: number
  readonly waitMs: number
}
