import { currentPeriod } from '../../credits/account/state.ts'
import { remainingOf } from '../../credits/balance.ts'
import type { RowKey, RowTotals } from '../../credits/usage-row.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { credits } from '../account/given.ts'
import type { Truth } from './customer.ts'
import type { MemoryAccounts } from './memory-accounts.ts'

export interface Sums {
  readonly kept: number
  readonly charged: number
  readonly uncollected: number
}

interface Audited {
  readonly accountId: string
  readonly truth: Truth
  readonly accounts: MemoryAccounts
  readonly ledger: Ledger
  readonly journal: Journal
}

const welcome = credits(1000)

/** What of one account's books does not agree; empty when all of them say the same, and what really happened. */
export async function auditAccount({
  accountId,
  truth,
  accounts,
  ledger,
  journal,
}: Audited): Promise<readonly string[]> {
  const wrong: string[] = []
  const same = (what: string, one: number, other: number): void => {
    if (one !== other) wrong.push(`${accountId}: ${what}: ${one} and ${other}`)
  }
  const state = accounts.state(accountId)
  const { epochs } = await journal.totals(accountId)
  const inJournal = new Map(epochs.map(({ epoch, rows }) => [epoch, chargedIn(rows)]))

  same('charged, really and by the journal', total(truth.charged.values()), total(inJournal.values()))
  for (const { epoch, spent } of state.periods)
    same(`period ${epoch}, workflow and journal`, spent, inJournal.get(epoch) ?? 0)

  const held = await ledger.inspect(accountId)
  if (held.status !== 'loaded') return [...wrong, `${accountId}: not in the ledger`]
  for (const { epoch, rows } of held.epochs)
    same(`period ${epoch}, ledger and journal`, chargedIn(rows), inJournal.get(epoch) ?? 0)
  same('held by nothing', held.held, 0)

  const kept = state.grants.filter(({ resets }) => !resets).map(({ amount }) => amount)
  same('kept grants, given and known', welcome + total(truth.kept.values()), total(kept) + state.foldedKept)
  for (const { epoch, free, planMoney } of state.periods) {
    const packs = [...truth.own.values()].filter((grant) => grant.epoch === epoch).map(({ amount }) => amount)
    same(`own money of period ${epoch}, given and known`, total(packs) + planMoney, free)
  }
  same(
    'taken back, really and as listed',
    total(truth.tookBack.values()),
    total(state.takenBack.map(({ amount }) => amount)),
  )
  same(
    'left, by what happened and by the ledger',
    leftOf(inJournal, state, welcome + total(truth.kept.values())),
    remainingOf(held),
  )
  return wrong
}

/**
 * From first principles: what ended periods took beyond their own money came from kept money; what was not there is owed, and paid by the own money of the next one.
 */
function leftOf(
  spent: ReadonlyMap<number, number>,
  { periods, ...state }: ReturnType<MemoryAccounts['state']>,
  kept: number,
): number {
  const { epoch: current } = currentPeriod({ ...state, periods })
  let left = Math.max(0, kept - state.foldedTaken)
  let owed = Math.max(0, state.foldedTaken - kept)
  let own = 0
  for (const { epoch, free } of periods) {
    own = free - owed
    owed = Math.max(0, -own)
    const beyond = Math.max(0, (spent.get(epoch) ?? 0) - Math.max(0, own))
    if (epoch === current) return Math.max(0, Math.max(0, own) + left - (spent.get(epoch) ?? 0))
    owed += Math.max(0, beyond - left)
    left = Math.max(0, left - beyond)
  }
  return Math.max(0, own + left)
}

const chargedIn = (rows: Readonly<Record<RowKey, RowTotals>>): number =>
  total(Object.values(rows).map(({ charged }) => charged))
const total = (amounts: Iterable<number>): number => [...amounts].reduce((sum, each) => sum + each, 0)
