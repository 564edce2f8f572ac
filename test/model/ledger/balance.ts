import * as program from '../../../credits/balance.ts'
import type { Micro } from '../../../credits/money.ts'
import { type Account, type Book, type ExpiringGrant, type Ledger } from './state.ts'

const micro = (amount: number): Micro => amount as Micro

/** The program's own figures of an account: credits/balance.ts derives the rest. */
function figuresOf(ledger: Ledger, account: Account): program.AccountFigures {
  const { terms, current } = account
  return {
    epoch: current.epoch,
    granted: micro(terms.granted),
    used: micro(terms.used),
    spent: micro(current.spent),
    held: micro(current.held),
    earlier: ledger.rules.earlierEpochsCorrectUsed ? account.earlier.map((book) => earlierOf(ledger, book)) : [],
    quarantine: micro(quarantineOf(ledger, account)),
  }
}

function earlierOf({ rules }: Ledger, { epoch, spent, held, free, counted }: Book): program.EarlierFigures {
  // The simpler form: what was counted is all that there is to know of it
  const own = rules.countedApart ? free : 0
  return { epoch, spent: micro(spent), held: micro(held), free: micro(own), counted: micro(counted) }
}

export function quarantineOf(ledger: Ledger, account: Account): number {
  return ledger.nowMs() < account.quarantineUntilMs ? account.quarantine : 0
}

export function rawOf(ledger: Ledger, account: Account): number {
  return program.rawOf(figuresOf(ledger, account))
}

/** The same by the rules, whatever is left out: what an auditor goes by. */
export function trueRawOf(ledger: Ledger, account: Account): number {
  if (ledger.rules.earlierEpochsCorrectUsed && ledger.rules.countedApart) return rawOf(ledger, account)
  return rawOf({ ...ledger, rules: { ...ledger.rules, earlierEpochsCorrectUsed: true, countedApart: true } }, account)
}

/** What new work may hold: expired money is no longer given, although it lapses only when the workflow has seen to it. */
export function availableOf(ledger: Ledger, account: Account, expired = expiredLeft(ledger, account)): number {
  return Math.max(0, rawOf(ledger, account) - expired)
}

/** What a charge in this epoch may take, of all but what has `expired`. */
export function roomOf(
  ledger: Ledger,
  account: Account,
  epoch: number,
  expired = expiredLeft(ledger, account),
): number {
  const own = program.roomOf(figuresOf(ledger, account), epoch) - Math.max(0, rawOf(ledger, account))
  return availableOf(ledger, account, expired) + own
}

/** What is left of grants that have expired and not lapsed yet: what is held of them is still spent. */
export function expiredLeft(ledger: Ledger, account: Account): number {
  if (!ledger.rules.expiredIsNotGiven || account.terms.expiring.length === 0) return 0
  const taken = keptTaken(ledger, account)
  return account.terms.expiring
    .filter((grant) => grant.untilMs <= ledger.nowMs())
    .reduce((total, grant) => total + leftOfGrant(grant, taken), 0)
}

/** What of an expiring grant nobody has spent or holds; kept money is taken oldest first. */
export function leftOfGrant({ before, amount }: Pick<ExpiringGrant, 'before' | 'amount'>, taken: number): number {
  return amount - Math.min(amount, Math.max(0, taken - before))
}

/** Kept money that is spent, held or in quarantine, over all epochs. */
export function keptTaken(ledger: Ledger, account: Account, held: 'with held' | 'without held' = 'with held'): number {
  const { terms, current } = account
  const heldNow = held === 'with held' ? current.held : 0
  const elsewhere = terms.granted - rawOf(ledger, account) - current.spent - current.held
  return elsewhere + Math.max(0, current.spent + heldNow - terms.free)
}
