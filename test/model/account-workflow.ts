import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { raiseAlerts } from '../../credits/account/alerts.ts'
import type { CloseEpoch } from '../../credits/account/messages.ts'
import { archiveRows } from '../../credits/account/archive-rows.ts'
import { grant } from '../../credits/account/grant.ts'
import { moneyOf } from '../../credits/account/money-of.ts'
import { nextLineage } from '../../credits/account/next-lineage.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import { type AccountState, type AlertState, currentPeriod, type Outcome } from '../../credits/account/state.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import type { Micro } from '../../credits/money.ts'
import { periodAt } from '../../credits/period.ts'
import { noQuantities, type RowTotals } from '../../credits/usage-row.ts'
import { keptTaken, leftOfGrant } from './ledger/balance.ts'
import type { Snapshot } from './ledger/snapshot.ts'
import type { Ledger, Rows, Terms } from './ledger/state.ts'
import type { Rules } from './rules.ts'

/** A period of the model. The program's own last a month: each of ours is mapped to the start of one. */
export const periodMs = 1_200_000
const signedUpMs = Date.UTC(2026, 0, 1)
const monthStarts: number[] = []
export function calendarMs(virtualMs: number): number {
  const index = Math.floor(virtualMs / periodMs)
  for (let at = monthStarts.length; at <= index; at += 1) monthStarts.push(periodAt(signedUpMs, 'UTC', at).startMs)
  return monthStarts[index]! + (virtualMs % periodMs)
}

interface Expiring {
  readonly id: string
  readonly amount: number
  readonly untilMs: number
  lapsed: number
}

/** One account workflow: the program's own reducer (credits/account), and beside it what the program does not have yet. */
export interface AccountWorkflow {
  readonly accountId: string
  state: AccountState
  /** Kept grants with an end of their own. */
  expiring: Expiring[]
  pushedVersion: number
  updates: number
  /** Ids of updates that this run has seen: forgotten by the next one. */
  seen: Set<string>
  readonly limits: Readonly<Record<string, number>>
  /** Every alert that was ever raised. */
  readonly raised: AlertState[]
}

export interface WorkflowOptions {
  readonly rules: Rules
  readonly nowMs: () => number
  readonly updatesPerRun: number
  readonly ledger: Ledger
  readonly onNextRun: (accountId: string) => void
}

const micro = (amount: number): Micro => amount as Micro
const policies = { alerts: [25, 15, 0], depletedBelow: micro(1) }

export type Report = Snapshot & { readonly epochs: ReturnType<typeof coarseRows> }
export type ReconcileAnswer =
  | { readonly status: 'ok' | 'lineage'; readonly terms: Terms }
  | { readonly status: 'behind'; readonly seq: number; readonly sameRows: boolean; readonly terms: Terms }

export type View = Pick<AccountState, 'lineage' | 'seq' | 'periods'> & { readonly terms: Terms }

/** Rows as the workflow takes them: by category, tier, model and item. */
export function coarse(rows: Rows): Record<string, RowTotals> {
  return archiveRows(
    Object.fromEntries(
      Object.entries(rows).map(([name, { charged, uncollected, units }]) => [
        name,
        { ...noQuantities, charged: micro(charged), uncollected: micro(uncollected), units },
      ]),
    ),
  )
}

export function coarseRows({ account }: Pick<Snapshot, 'account'>) {
  return [...account.earlier, account.current].map(({ epoch, rows }) => ({ epoch, rows: coarse(rows) }))
}

export function openAccount(
  accountId: string,
  money: { readonly allowance: number; readonly welcome: number },
  limits: Readonly<Record<string, number>>,
): AccountWorkflow {
  const outcome = signUp(
    null,
    {
      accountId,
      email: accountId,
      timeZone: 'UTC',
      plan: { id: 'plan', name: 'Plan', allowance: micro(money.allowance) },
      welcome: { amount: micro(money.welcome), keeps: true },
      policies,
    },
    calendarMs(0),
  )
  if (!outcome.ok) throw new Error(outcome.message)
  const { state } = outcome
  return {
    accountId,
    state,
    expiring: [],
    pushedVersion: 0,
    updates: 0,
    seen: new Set(),
    limits,
    raised: [...state.alerts],
  }
}

/** The updates of account workflows. Each is one message, and each may come twice. */
export function createWorkflows({ rules, nowMs, updatesPerRun, ledger, onNextRun }: WorkflowOptions) {
  /** One update: the program's reducer decides, alerts that it raised are noted, and a run that has taken enough hands over. */
  function update<A>(
    account: AccountWorkflow,
    decide: (state: AccountState, atMs: number) => Outcome<A>,
    { raisesAlerts }: { readonly raisesAlerts: boolean } = { raisesAlerts: rules.alertsAfterEveryChange },
  ): A {
    const before = rules.alertsOnce ? account.state : { ...account.state, alerts: [] }
    const outcome = decide(before, calendarMs(nowMs()))
    if (!outcome.ok) throw new Error(outcome.message)
    take(account, before, raisesAlerts ? outcome.state : { ...outcome.state, alerts: before.alerts })
    account.updates += 1
    if (account.updates >= updatesPerRun) nextRun(account)
    return outcome.answer
  }

  function take(account: AccountWorkflow, before: AccountState, after: AccountState): void {
    const known = new Set(before.alerts.map((alert) => `${alert.epoch} ${alert.threshold}`))
    account.raised.push(...after.alerts.filter((alert) => !known.has(`${alert.epoch} ${alert.threshold}`)))
    account.state = after
  }

  /** Continue-as-new: what is not in the argument is gone. */
  function nextRun(account: AccountWorkflow): void {
    const state = JSON.parse(JSON.stringify(account.state)) as AccountState
    account.state = {
      ...state,
      ...(rules.runsHandOverLineage ? {} : { lineage: 0, seq: 0 }),
      ...(rules.runsHandOverAlerts ? {} : { alerts: [] }),
    }
    if (!rules.runsHandOverPushedVersion) account.pushedVersion = 0
    account.seen = new Set()
    account.updates = 0
    onNextRun(account.accountId)
  }

  function terms(account: AccountWorkflow): Terms {
    const own = termsOf(account.state)
    const lapsed = account.expiring.reduce((total, grant) => total + grant.lapsed, 0)
    return {
      version: own.version,
      epoch: own.epoch,
      granted: own.granted - lapsed,
      used: own.used,
      free: currentPeriod(account.state).free,
      earlier: own.earlier,
      expiring: account.expiring.map((grant) => ({
        id: grant.id,
        before: keptBefore(account, grant.id),
        amount: grant.amount - grant.lapsed,
        untilMs: grant.untilMs,
      })),
      limits: account.limits,
    }
  }

  function keptBefore({ state, expiring }: AccountWorkflow, id: string): number {
    let before: number = state.foldedKept
    for (const one of state.grants.filter((each) => !each.resets)) {
      if (one.id === id) return before
      before += one.amount - (expiring.find((each) => each.id === one.id)?.lapsed ?? 0)
    }
    return before
  }

  function lapse(account: AccountWorkflow, grant: Expiring, lapsed: number): void {
    if (lapsed <= grant.lapsed || (grant.lapsed > 0 && !rules.lapseAgain)) return
    grant.lapsed = lapsed
    account.state = { ...account.state, termsVersion: account.state.termsVersion + 1 }
  }

  /** What is neither spent nor held in a snapshot taken after a grant's end. */
  function lapseFrom(account: AccountWorkflow, { nowMs: takenAtMs, account: figures }: Snapshot): void {
    if (!rules.lapseFromFreshSnapshot) return
    for (const grant of account.expiring) {
      const known = figures.terms.expiring.find((one) => one.id === grant.id)
      if (takenAtMs < grant.untilMs || known === undefined) continue
      const taken = keptTaken(ledger, figures, rules.heldDoesNotLapse ? 'with held' : 'without held')
      lapse(account, grant, grant.amount - known.amount + leftOfGrant(known, taken))
    }
  }

  /** The forbidden way: from the rows that the workflow happens to have. */
  function lapseFromOldRows(account: AccountWorkflow): void {
    if (rules.lapseFromFreshSnapshot) return
    for (const grant of account.expiring.filter((one) => one.untilMs <= nowMs())) {
      const { used, spent } = moneyOf(account.state)
      const taken = used + Math.max(0, spent - currentPeriod(account.state).free)
      lapse(account, grant, leftOfGrant({ before: keptBefore(account, grant.id), amount: grant.amount }, taken))
    }
  }

  return {
    terms,
    /** A grant, once per id. `untilMs`: it ends by itself, on Redis' clock. */
    grant(
      account: AccountWorkflow,
      one: { readonly id: string; readonly amount: number; readonly resets: boolean; readonly untilMs?: number },
    ): Terms {
      const repeated = account.seen.has(one.id)
      account.seen.add(one.id)
      // The forbidden way: the update's id is remembered by the run alone
      if (!rules.grantsById && repeated) return terms(account)
      const id = rules.grantsById ? one.id : `${one.id}#${account.state.termsVersion}`
      if (one.untilMs !== undefined && !account.expiring.some((each) => each.id === id)) {
        account.expiring.push({ id, amount: one.amount, untilMs: one.untilMs, lapsed: 0 })
      }
      update(account, (state, atMs) =>
        grant(state, { id, source: 'pack', amount: micro(one.amount), resets: one.resets, detail: '', by: '' }, atMs),
      )
      return terms(account)
    },

    reconcile(account: AccountWorkflow, report: Report): ReconcileAnswer {
      const { lineage, seq } = report.account
      // The forbidden ways: an older report, or one of another life, passes for a new one
      const taken = {
        lineage: rules.otherLivesRefused ? lineage : account.state.lineage,
        seq: rules.olderSnapshotsRefused ? seq : account.state.seq + 1,
      }
      const answer = update(
        account,
        (state, atMs) =>
          reconcile(
            state,
            {
              ...taken,
              termsVersion: report.account.terms.version,
              held: micro(report.heldInAll),
              epochs: report.epochs,
              policies,
            },
            atMs,
          ),
        { raisesAlerts: true },
      )
      if (answer.status === 'ok' || (answer.status === 'behind' && answer.sameRows && answer.seq === seq))
        lapseFrom(account, report)
      return { ...answer, terms: terms(account) }
    },

    /** What it knows of its ledger. */
    view(account: AccountWorkflow): View {
      const { lineage, seq, periods } = account.state
      return { lineage, seq, periods, terms: terms(account) }
    },

    nextLineage(account: AccountWorkflow) {
      const lost = account.state
      update(account, (state, atMs) => nextLineage(state, null, atMs))
      if (!rules.hydrateNextLineage)
        account.state = { ...account.state, lineage: Math.max(1, lost.lineage), seq: lost.seq }
      return { lineage: account.state.lineage, held: account.state.held, terms: terms(account) }
    },

    closeEpoch(account: AccountWorkflow, closing: CloseEpoch): Terms {
      const { epoch, rows } = closing
      update(account, (state, atMs) => closeEpoch(state, rules.closesInItsLife ? closing : { epoch, rows }, atMs))
      return terms(account)
    },

    /** Whether its timer is due, or Redis may not have its terms. */
    hasNews({ state, pushedVersion, expiring }: AccountWorkflow): boolean {
      const lapses = !rules.lapseFromFreshSnapshot && expiring.length > 0
      return lapses || state.termsVersion > pushedVersion || calendarMs(nowMs()) >= currentPeriod(state).endMs
    },

    /** Its timer, and the lapse of grants where that is not left to reconciliation. */
    tick(account: AccountWorkflow): void {
      const atMs = calendarMs(nowMs())
      if (atMs >= currentPeriod(account.state).endMs) take(account, account.state, rollOver(account.state, atMs))
      lapseFromOldRows(account)
    },

    /** Thresholds that are reached and were never raised. */
    missingAlerts({ state }: AccountWorkflow): number {
      return raiseAlerts(state, 0).alerts.length - state.alerts.length
    },
  }
}

export type Workflows = ReturnType<typeof createWorkflows>
