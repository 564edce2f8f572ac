import { randomBytes } from 'node:crypto'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import type { Receipt, ReceiptDetail } from '../../credits/receipt.ts'
import { noQuantities } from '../../credits/usage-row.ts'

export const someTimeMs = Date.UTC(2026, 10, 14, 9, 30)

/** An account that no other test has. */
export function newAccount(): string {
  return `account-${randomBytes(6).toString('hex')}`
}

export const someDetail: ReceiptDetail = {
  messageId: '',
  task: '',
  purpose: '',
  provider: 'practice',
  pricedAs: 'openai/gpt-5',
  catalogueVersion: 'c1',
  priceVersion: 'p1',
  startedAtMs: someTimeMs - 1_200,
  durationMs: 1_200,
  outcome: 'finished',
  estimated: false,
  lines: [{ kind: 'input', quantity: 1_000, unit: 'token', rate: '12.5', amount: toMicro(12_500) }],
}

/** A receipt of charge number `number`, with what a test cares about replaced. */
export function receiptOf(accountId: string, number: number, change: Partial<Receipt> = {}): Receipt {
  return {
    accountId,
    id: chargeId(someTimeMs + number, `charge-${number}`),
    kind: 'settled',
    epoch: 1,
    calledIn: 1,
    row: 'ai_usage|fast|openai/gpt-5-mini||ada|acme',
    quantities: { ...noQuantities, units: 1, inputTokens: 1_000, outputTokens: 200 },
    charged: toMicro(100),
    uncollected: toMicro(0),
    windows: ['employee:ada|d20406', 'employee:ada|all'],
    lineage: 1,
    n: number,
    atMs: someTimeMs + number,
    detail: change.kind === 'expired' ? null : someDetail,
    ...change,
  }
}
