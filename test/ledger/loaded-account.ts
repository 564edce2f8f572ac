import { chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import type { Ledger, ReserveAnswer, SettleAnswer } from '../../ledger/ledger.ts'
import { detailOf, quantities, row, termsOf } from './given.ts'

/** Calls on an account that was loaded a moment ago, each with the evidence that the journal does not know its id. */
export interface LoadedAccount {
  reserve(key: string): Promise<ReserveAnswer>
  settle(key: string, actual?: number): Promise<SettleAnswer>
  figures(): Promise<{ readonly spent: number; readonly held: number }>
  /** The same calls, by the same ids, sent to another ledger that holds the account. */
  on(other: Ledger): LoadedAccount
}

/** Loads an account with a credit by Redis' own clock. */
export async function loadAccount(ledger: Ledger, accountId: string): Promise<LoadedAccount> {
  await ledger.lock(accountId, 'test', 60_000)
  const terms = termsOf({ granted: toMicro(1_000_000) })
  await ledger.hydrate({
    accountId,
    token: 'test',
    lineage: 1,
    terms,
    epochs: [],
    budgets: [],
    held: zero,
    newestBirthMs: 0,
    journalNowMs: 0,
  })
  const account = await ledger.read(accountId)
  if (account.status !== 'loaded') throw new Error('not loaded')
  const known = { lineage: 1, nowMs: account.nowMs, found: null }
  const name = (key: string) => ({ accountId, id: chargeId(account.nowMs, key) })
  const levels = ['employee:ada']
  const callsOn = (held: Ledger): LoadedAccount => ({
    reserve: (key) =>
      held.reserve({ ...name(key), amount: toMicro(50), minimum: zero, ttlMs: 60_000, row, levels }, known),
    settle: (key, actual = 7) =>
      held.settle({ ...name(key), actual: toMicro(actual), row, quantities, levels, detail: detailOf(0) }, known),
    async figures() {
      const answer = await held.read(accountId)
      if (answer.status !== 'loaded') throw new Error('not loaded')
      return { spent: answer.spent, held: answer.held }
    },
    on: callsOn,
  })
  return callsOn(ledger)
}
