import { utcOffsetAt } from '../credits/period.ts'
import { archiveRows } from '../credits/account/archive-rows.ts'
import type { AccountView, PeriodView } from '../credits/account/messages.ts'
import { type RowDifference, rowDifference } from '../credits/account/row-difference.ts'
import { openWindows } from '../credits/budget-window.ts'
import type { RowKey, RowTotals } from '../credits/usage-row.ts'
import { type JournalTotals, mostWindows } from '../journal/totals.ts'
import type { AccountSnapshot, Correction } from '../ledger/ledger.ts'
import type { ActivityDeps, Drift } from './deps.ts'
import { createCloseEnded } from './close-ended.ts'
import { createJournalTrust } from './journal-trust.ts'
import { createRepairAccount } from './repair-account.ts'
import { rowsReport } from './rows-report.ts'

export type CheckOutcome =
  /** Ledger, workflow and journal say the same now. */
  | 'checked'
  /** They do not, and an operator was called. */
  | 'refused'
  /** The account has changed its life under the check: it is to be checked anew. */
  | 'moved'
  /** Its receipts are not in the journal yet. */
  | 'journal_behind'
  /** A period has left Redis, and cannot be closed for now. */
  | 'unclosed'

/** Ended periods that still are compared with the journal: a receipt may be committed late. */
const comparedArchives = 3
/** A drain takes half a second; while one waits for it, others are checked. */
const drainWaitsMs = [1_000, 2_000, 4_000, 8_000]

/** Of a difference, so that a line can be read. */
const loggedRows = 5

/**
 * The three-way check of one account, by protocol.md 9: ledger and journal, ledger and workflow, archives and journal. The journal wins;
 * a ledger that went back in time begins another life instead. A crash anywhere only repeats it.
 */
export function createCheckAccount(deps: ActivityDeps) {
  const { ledger, journal, accounts, clock, log, count, drift } = deps
  const repair = createRepairAccount(deps)
  const closeEnded = createCloseEnded(deps)
  const trust = createJournalTrust(deps)

  return async (accountId: string): Promise<CheckOutcome> => {
    const reading = await ledger.read(accountId)
    if (reading.status !== 'loaded') return 'moved'
    const { lineage } = reading
    // Both before the snapshot: a ledger that has lost nothing is not behind what was known of it before.
    const view = await viewOf(accountId)
    const stored = await journal.highestN(accountId, { from: lineage, to: lineage })
    const snapshot = await ledger.inspect(accountId)
    if (snapshot.status !== 'loaded' || snapshot.lineage !== lineage) return 'moved'

    if (view.lineage !== lineage) return movedAfter(repair(accountId, lineage, 'other_lineage'))
    if (snapshot.seq < view.seq) return movedAfter(repair(accountId, lineage, 'ledger_behind'))
    if (snapshot.n < stored) return movedAfter(repair(accountId, lineage, 'ledger_rolled_back'))
    if (snapshot.seq === view.seq && differsFrom(view, snapshot)) {
      return movedAfter(repair(accountId, lineage, 'ledger_forked'))
    }
    // What a rollback lost of the terms comes back here even if nobody works any more.
    if (view.terms.version > snapshot.termsVersion) await ledger.putTerms(accountId, view.terms)
    if (view.seq < snapshot.acked) await catchUp(accountId, snapshot)

    const drained = await waitForDrain(accountId, snapshot)
    if (typeof drained === 'string') return drained

    const closed = view.periods.filter((period) => period.closed).slice(0, comparedArchives)
    const totals = await journal.totals(accountId, {
      epochs: [...snapshot.epochs, ...closed].map(({ epoch }) => epoch),
      without: { lineage, aboveN: snapshot.n },
      receivedOf: { from: snapshot.bornIn, to: lineage },
    })
    if (!trust.hasConfirmed(accountId, { lineage, drained }, totals.received)) return 'refused'
    const outcomes = [await correctLedger(accountId, snapshot, totals)]
    // Not one that is in Redis, too: it leaves first.
    const held = new Set(snapshot.epochs.map(({ epoch }) => epoch))
    for (const period of closed)
      if (!held.has(period.epoch)) outcomes.push(await correctArchive(accountId, lineage, period, totals))
    if (outcomes.includes('moved')) return 'moved'
    // Whoever let it leave died before the workflow heard of it.
    const left = view.periods.filter(
      (period) => !period.closed && period.epoch < snapshot.epoch && !held.has(period.epoch),
    )
    const ended = await closeEnded(
      accountId,
      lineage,
      left.map(({ epoch }) => epoch),
    )
    count?.('accounts_checked', 1)
    if (outcomes.includes('refused')) return 'refused'
    return ended === 'unclosed' ? 'unclosed' : 'checked'
  }

  async function viewOf(accountId: string): Promise<AccountView> {
    const answer = await accounts.view(accountId)
    if (!answer.ok) throw new Error(`the account workflow does not tell what it knows: ${answer.code}`)
    return answer.view
  }

  async function movedAfter(repaired: Promise<unknown>): Promise<'moved'> {
    await repaired
    return 'moved'
  }

  function differsFrom(view: AccountView, snapshot: AccountSnapshot): boolean {
    let differs = false
    for (const { epoch, rows } of rowsReport(snapshot).epochs) {
      const period = view.periods.find((each) => each.epoch === epoch)
      if (period === undefined || period.closed) continue
      const difference = rowDifference({ want: rows, have: period.rows })
      if (Object.keys(difference).length === 0) continue
      differs = true
      report('workflow', chargedIn(difference), true)
    }
    return differs
  }

  /** The workflow had confirmed rows that it does not know: it was restored from a backup, and nobody would send them again. */
  async function catchUp(accountId: string, snapshot: AccountSnapshot): Promise<void> {
    // Not when it was told in the meantime.
    if ((await viewOf(accountId)).seq >= snapshot.acked) return
    count?.('workflow_behind', 1)
    log.warn({ code: 'workflow_behind', accountId, acked: snapshot.acked }, 'the workflow knows less than it confirmed')
    const answer = await accounts.reconcile(accountId, rowsReport(snapshot))
    if (!answer.ok) throw new Error(`the account workflow refused its rows: ${answer.code}`)
  }

  /** An account that is always at work never stands still: it is enough that what the snapshot counts has arrived. Answers how far it is. */
  async function waitForDrain(
    accountId: string,
    snapshot: AccountSnapshot,
  ): Promise<number | 'moved' | 'journal_behind'> {
    let { drained } = snapshot
    for (const waitMs of drainWaitsMs) {
      if (drained >= snapshot.n) return drained
      await clock.sleep(waitMs)
      const latest = await ledger.inspect(accountId)
      const same = latest.status === 'loaded' && latest.lineage === snapshot.lineage && latest.n >= snapshot.n
      if (!same) return 'moved'
      drained = latest.drained
    }
    if (drained >= snapshot.n) return drained
    count?.('journal_behind', 1)
    return 'journal_behind'
  }

  async function correctLedger(
    accountId: string,
    snapshot: AccountSnapshot,
    totals: JournalTotals,
  ): Promise<'checked' | 'refused' | 'moved'> {
    const rows = rowsToAdd(snapshot, totals)
    const windows = windowsToAdd(snapshot, totals)
    if (rows.length === 0 && windows.length === 0) return 'checked'
    const { lineage, corrections, seq } = snapshot
    const size = Math.max(
      rows.reduce((total, { add }) => total + Math.abs(add.charged), 0),
      ...windows.map(({ add }) => Math.abs(add)),
    )
    const allowed = trust.allows(accountId, 'ledger', size)
    const places = [
      ['ledger_rows', rows.map(({ add }) => add.charged)],
      ['ledger_windows', windows.map(({ add }) => add)],
    ] as const
    if (allowed) {
      const { status } = await ledger.correct({ accountId, lineage, corrections, seq, rows, windows })
      if (status !== 'corrected') return 'moved'
      count?.('accounts_corrected', 1)
      log.warn(
        {
          code: 'ledger_corrected',
          accountId,
          micro: size,
          rows: rows.slice(0, loggedRows),
          windows: windows.slice(0, loggedRows),
        },
        'the ledger differed from the journal',
      )
    }
    for (const [where, amounts] of places) if (amounts.length > 0) report(where, sumOf(amounts), allowed)
    return allowed ? 'checked' : 'refused'
  }

  async function correctArchive(
    accountId: string,
    lineage: number,
    { epoch, rows: have }: PeriodView,
    totals: JournalTotals,
  ): Promise<'checked' | 'refused' | 'moved'> {
    const rows = archiveRows(rowsOf(totals, epoch))
    const difference = rowDifference({ want: rows, have })
    if (Object.keys(difference).length === 0) return 'checked'
    const size = Object.values(difference).reduce((total, add) => total + Math.abs(add.charged), 0)
    const allowed = trust.allows(accountId, `period ${epoch}`, size)
    if (allowed) {
      const answer = await accounts.closeEpoch(accountId, { epoch, lineage, rows })
      if (!answer.ok) throw new Error(`the archive of period ${epoch} could not be corrected: ${answer.code}`)
      if (answer.status === 'other_lineage') return 'moved'
      await ledger.putTerms(accountId, answer.terms)
      count?.('archives_corrected', 1)
      log.warn({ code: 'archive_corrected', accountId, epoch, micro: size }, 'an archive differed from the journal')
    }
    report('archive', chargedIn(difference), allowed)
    return allowed ? 'checked' : 'refused'
  }

  function report(where: Drift['where'], amount: number, corrected: boolean): void {
    drift?.({ where, amount, corrected })
  }
}

function rowsToAdd({ epochs }: AccountSnapshot, totals: JournalTotals): Correction['rows'] {
  return epochs.flatMap(({ epoch, rows }) =>
    Object.entries(rowDifference({ want: rowsOf(totals, epoch), have: rows })).map(([row, add]) => ({
      epoch,
      row,
      add,
    })),
  )
}

/** Of windows that Redis does not hold only those that are open: the others limit nothing any more. */
function windowsToAdd({ budgets, card, nowMs }: AccountSnapshot, totals: JournalTotals): Correction['windows'] {
  const have = new Map(budgets.map((one) => [`${one.level}|${one.window}`, one]))
  const want = new Map(totals.budgets.map((one) => [`${one.level}|${one.window}`, one]))
  const open = new Set<string>(Object.values(openWindows(nowMs, utcOffsetAt(card.timeZone, nowMs))))
  // A list that was cut says nothing of those that are not on it.
  const known = totals.budgets.length < mostWindows ? [...have.values(), ...want.values()] : [...want.values()]
  const windows = new Map(known.map(({ level, window }) => [`${level}|${window}`, { level, window }]))
  return [...windows].flatMap(([key, { level, window }]) => {
    const held = have.get(key)
    if (held === undefined && !open.has(window)) return []
    // As the ledger counts: a window that has only a refund reads zero.
    const add = Math.max(0, want.get(key)?.spent ?? 0) - (held?.spent ?? 0)
    return add === 0 ? [] : [{ level, window, add }]
  })
}

function rowsOf(totals: JournalTotals, epoch: number): Readonly<Record<RowKey, RowTotals>> {
  return totals.epochs.find((each) => each.epoch === epoch)?.rows ?? {}
}

function chargedIn(difference: Readonly<Record<RowKey, RowDifference>>): number {
  return sumOf(Object.values(difference).map((add) => add.charged))
}

function sumOf(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0)
}
