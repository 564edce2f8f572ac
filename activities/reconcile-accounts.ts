import type { ReconcileAnswer } from '../credits/account/messages.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'
import { createCloseEnded } from './close-ended.ts'
import type { ActivityDeps } from './deps.ts'
import { createRepairAccount } from './repair-account.ts'
import { rowsReport } from './rows-report.ts'
import { eachOf, inRound, isIn, type Round, shardsOf } from './round.ts'

/** As long as between two drains, and for the same reason. */
const restMs = 500
const perShard = 20
/** One account workflow takes an update in some 20 ms, and Temporal many accounts at a time. */
const atOnce = 8
/** An account is reported this long after it became dirty, at most: each report is an action of Temporal's, and what hurries does not wait for it. */
const mostMs = 60_000
/** Accounts wait this many times as long as reporting them took: so it takes at most a quarter of the time, however slow Temporal is. */
const slack = 4
/** What could not be done is tried again after this long, then twice that, up to `unclosed` for ended periods and `failed` for accounts. */
const againMs = { first: 5_000, unclosed: 300_000, failed: 30_000 }

/**
 * Reports the rows of dirty accounts to their workflows, by protocol.md 7, repairs accounts of a ledger that went back in time, and closes
 * periods that have ended and settled. What is sent is absolute, so a crash anywhere only repeats it. An account that fails rests a while,
 * and so keeps no other waiting.
 */
export function createReconcileAccounts(deps: ActivityDeps) {
  const { ledger, accounts, clock, log, count, reportAfterMs = 4_000 } = deps
  const repair = createRepairAccount(deps)
  const closeEnded = createCloseEnded(deps)
  /** Accounts to look at again, dirty or not: an ended period still moves, or their turn failed. What a restart forgets, the check finds. */
  const again = new Map<string, Again>()

  return (round: Round): Promise<void> => {
    let dirtyOlderThanMs = reportAfterMs
    return inRound(round, clock, async (stopped) => {
      const nowMs = clock.now()
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs, perShard })
      const dueAgain = [...again].filter(([accountId, { atMs }]) => atMs <= nowMs && isIn(round, accountId))
      // One that fails may take as long as its workflow is waited for: it must not hold up every pass.
      const dirty = pending.flatMap((shard) => shard.dirty).filter((accountId) => !isResting(accountId, nowMs))
      const turns = new Set([...dirty, ...dueAgain.map(([accountId]) => accountId)])
      let answeredMs = 0
      await eachOf(turns, atOnce, stopped, async (accountId) => {
        const startedMs = clock.now()
        const outcome = await turn(accountId, stopped)
        if (outcome !== 'failed') answeredMs += clock.now() - startedMs
        note(accountId, outcome)
      })
      dirtyOlderThanMs = Math.min(mostMs, Math.max(reportAfterMs, Math.ceil((slack * answeredMs) / atOnce)))
      return { restMs: turns.size > 0 && pending.some((shard) => shard.dirty.length === perShard) ? 0 : restMs }
    })
  }

  function isResting(accountId: string, nowMs: number): boolean {
    const known = again.get(accountId)
    return known !== undefined && known.outcome === 'failed' && known.atMs > nowMs
  }

  function note(accountId: string, outcome: Outcome): void {
    const known = again.get(accountId)
    again.delete(accountId)
    if (outcome === 'done') return
    const waitMs = Math.min(againMs[outcome], known?.outcome === outcome ? 2 * known.waitMs : againMs.first)
    again.set(accountId, { outcome, atMs: clock.now() + waitMs, waitMs })
  }

  async function turn(accountId: string, stopped: AbortSignal): Promise<Outcome> {
    try {
      return await reconcileOne(accountId)
    } catch (error) {
      if (stopped.aborted) return 'failed'
      log.error({ code: 'turn_failed', accountId, err: error }, 'an account could not be reconciled')
      count?.('turn_failed', 1)
      return 'failed'
    }
  }

  async function reconcileOne(accountId: string): Promise<'done' | 'unclosed'> {
    const snapshot = await ledger.snapshot(accountId)
    if (snapshot.status !== 'loaded') return 'done'
    const answer = await accounts.reconcile(accountId, rowsReport(snapshot))
    if (!answer.ok) throw new Error(`the account workflow refused its rows: ${answer.code}`)
    // Also when the rows are refused: a rollback, or a hydrate that raced a grant, lost the terms.
    if (answer.terms.version > snapshot.termsVersion) await ledger.putTerms(accountId, answer.terms)
    // An account that was repaired is dirty at once: the next pass sends all its rows.
    if (!(await isTaken(accountId, snapshot, answer))) return 'done'
    await ledger.ackRows(accountId, snapshot.lineage, snapshot.seq)
    count?.('accounts_reconciled', 1)
    // Also those that only the ledger holds: it was loaded, or went back, to when the workflow had not closed them yet.
    const ended = new Set([...snapshot.earlier, ...answer.terms.earlier].map(({ epoch }) => epoch))
    return closeEnded(accountId, snapshot.lineage, ended)
  }

  /** Whether the workflow has exactly these rows. If Redis has lost something, the account is repaired. */
  async function isTaken(accountId: string, snapshot: AccountSnapshot, answer: ReconcileAnswer): Promise<boolean> {
    if (answer.status === 'ok') return true
    const { lineage, seq } = snapshot
    if (answer.status === 'lineage') {
      await repair(accountId, lineage, 'other_lineage')
      return false
    }
    if (answer.seq === seq) {
      if (!answer.sameRows) await repair(accountId, lineage, 'ledger_forked')
      return answer.sameRows
    }
    // Another reconciler may have been faster with rows that are newer than these.
    const newer = await ledger.snapshot(accountId)
    if (newer.status === 'loaded' && newer.lineage === lineage && newer.seq < answer.seq)
      await repair(accountId, lineage, 'ledger_behind')
    return false
  }
}

interface Again {
  readonly outcome: 'unclosed' | 'failed'
  readonly atMs: number
  readonly waitMs: number
}
type Outcome = 'done' | Again['outcome']
