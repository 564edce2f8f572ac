import type { Micro } from '../credits/money.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { ChargeAnswer, Denied, ReserveAnswer } from '../ledger/ledger.ts'

/** Answers by which the ledger did nothing, and will do nothing for this request. */
export type Refused = Extract<
  ReserveAnswer | ChargeAnswer,
  Denied | { status: 'already_charged' | 'exists_with_different_amount' | 'backlogged' }
>

/** The ledger's no as the doors know it; `needed` is what was asked for at least. */
export function refusalOf(answer: Refused, needed: Micro): Refusal {
  switch (answer.status) {
    case 'already_charged':
      return { kind: 'already_charged', charged: answer.charged }
    case 'exists_with_different_amount':
      return { kind: 'id_conflict' }
    case 'backlogged':
    case 'credits_depleted':
      return { kind: answer.status }
    case 'budget_exhausted':
      return { kind: answer.status, level: answer.level, left: answer.left }
    case 'insufficient_credits':
      return { kind: answer.status, needed, available: answer.available }
  }
}
