import type { ReconcileAnswer } from '../credits/account/messages.ts'
import type { Terms } from '../credits/terms.ts'
import type { AccountSnapshot } from '../ledger/ledger.ts'
import type { ActivityDeps } from './deps.ts'
import { eachOf, inRound, type Round, shardsOf } from './round.ts'

const restMs = 250
const perShard = 20
/** One account workflow takes an update in some 20 ms, and Temporal many accounts at a time. */
const atOnce = 8
/** An account is reported this long after it became dirty: at rest, and at most. */
const intervalMs = { least: 2_000, most: 60_000 }
/** Accounts wait this many times as long as reporting all of them took: so it takes at most a quarter of the time, however slow Temporal is. */
const slack = 4
/** Ended periods that could not be closed yet are tried again after this long, then twice that, and so on. */
const closeAgainMs = { first: 5_000, most: 300_000 }

/**
 * Reports the rows of dirty accounts to their workflows, by protocol.md 7, and closes periods that have ended and settled. What is
 * sent is absolute, so a crash anywhere only repeats it. One account that fails keeps no other waiting.
 */
export function createReconcileAccounts({ ledger, journal, accounts, clock, log, count }: ActivityDeps) {
  return (round: Round): Promise<void> => {
    let dirtyOlderThanMs = intervalMs.least
    /** Accounts with an ended period that still moves, and when to look again. A restart forgets them until their next change. */
    const unclosed = new Map<string, { readonly atMs: number; readonly waitMs: number }>()
    return inRound(round, clock, async (stopped) => {
      const startedMs = clock.now()
      const pending = await ledger.pending(shardsOf(round), { dirtyOlderThanMs, perShard })
      const dueToClose = [...unclosed].filter(([, { atMs }]) => atMs <= startedMs).map(([accountId]) => accountId)
      const turns = new Set([...pending.flatMap((shard) => shard.dirty), ...dueToClose])
      await eachOf(turns, atOnce, stopped, async (accountId) => {
        const waitMs = Math.min(closeAgainMs.most, 2 * (unclosed.get(accountId)?.waitMs ?? closeAgainMs.first / 2))
        unclosed.delete(accountId)
        if ((await turn(accountId, stopped)) === 'unclosed')
          unclosed.set(accountId, { atMs: clock.now() + waitMs, waitMs })
      })
      dirtyOlderThanMs = Math.min(intervalMs.most, Math.max(intervalMs.least, slack * (clock.now() - startedMs)))
      return { restMs: pending.some((shard) => shard.dirty.length === perShard) ? 0 : restMs }
    })
  }

  async function turn(accountId: string, stopped: AbortSignal): Promise<'done' | 'unclosed'> {
    try {
      return await reconcileOne(accountId)
    } catch (error) {
      if (stopped.aborted) return 'done'
      log.error({ accountId, err: error }, 'an account could not be reconciled')
      count?.('turn_failed', 1)
      return 'done'
    }
  }

  async function reconcileOne(accountId: string): Promise<'done' | 'unclosed'> {
    const snapshot = await ledger.snapshot(accountId)
    if (snapshot.status !== 'loaded') return 'done'
    const answer = await accounts.reconcile(accountId, reportOf(snapshot))
    if (!answer.ok) throw new Error(`the account workflow refused its rows: ${answer.code}`)
    // Also when the rows are refused: a rollback, or a hydrate that raced a grant, lost the terms.
    if (answer.terms.version > snapshot.termsVersion) await ledger.putTerms(accountId, answer.terms)
    if (!isTaken(accountId, snapshot, answer)) return 'done'
    await ledger.ackRows(accountId, snapshot.lineage, snapshot.seq)
    count?.('accounts_reconciled', 1)
    return closeEnded(accountId, snapshot.lineage, answer.terms)
  }

  /** Whether the workflow has exactly these rows. If not, Redis lost something, and repairing it is not for this activity. */
  function isTaken(accountId: string, snapshot: AccountSnapshot, answer: ReconcileAnswer): boolean {
    if (answer.status === 'ok') return true
    const { lineage, seq } = snapshot
    if (answer.status === 'lineage') {
      log.error({ accountId, lineage }, 'the ledger holds another life of this account than its workflow issued last')
      count?.('other_lineage', 1)
      return false
    }
    if (answer.seq === seq && answer.sameRows) return true
    log.error(
      { accountId, lineage, seq, takenSeq: answer.seq },
      'the ledger is behind what the workflow took from it before',
    )
    count?.('ledger_behind', 1)
    return false
  }

  async function closeEnded(accountId: string, lineage: number, terms: Terms): Promise<'done' | 'unclosed'> {
    let outcome: 'done' | 'unclosed' = 'done'
    for (const { epoch } of terms.earlier) {
      const { status } = await ledger.closeEpoch(accountId, lineage, epoch)
      if (status === 'open') outcome = 'unclosed'
      // `absent`: it left Redis before, and the one who saw to that died before the workflow heard of it.
      if (status !== 'closed' && status !== 'absent') continue
      const { epochs } = await journal.totals(accountId, { epochs: [epoch] })
      const answer = await accounts.closeEpoch(accountId, {
        epoch,
        rows: epochs.find((each) => each.epoch === epoch)?.rows ?? {},
      })
      if (!answer.ok) throw new Error(`period ${epoch} could not be closed: ${answer.code}`)
      await ledger.putTerms(accountId, answer.terms)
      count?.('epochs_closed', 1)
    }
    return outcome
  }
}

function reportOf({ lineage, seq, termsVersion, held, earlier, quarantine, epochs }: AccountSnapshot) {
  const heldEarlier = earlier.reduce((total, epoch) => total + epoch.held, 0)
  return { lineage, seq, termsVersion, held: (held + heldEarlier + quarantine) as typeof held, epochs }
}
