import { chargeId } from '../../credits/charge-id.ts'
import { creditsToMicro, toMicro, zero } from '../../credits/money.ts'
import type { Terms } from '../../credits/terms.ts'
import type { Ledger, ReserveRequest, SettleRequest } from '../../ledger/ledger.ts'

const levels = ['employee:ada', 'organization:lab']
const row = {
  category: 'ai_usage',
  tier: 'fast',
  model: 'openai/gpt-4.1-mini',
  item: '',
  employee: 'ada',
  organization: 'lab',
} as const
const line = (kind: string, quantity: number) => ({
  kind,
  quantity,
  unit: 'token',
  rate: '12.5',
  amount: toMicro(12 * quantity),
})
const settlement = {
  actual: toMicro(31_000),
  row,
  quantities: { units: 1, inputTokens: 120, cachedTokens: 20, outputTokens: 300, reasoningTokens: 10 },
  levels,
  detail: {
    messageId: 'message-123',
    task: '',
    purpose: '',
    provider: 'openai',
    pricedAs: 'openai/gpt-4.1-mini',
    catalogueVersion: 'c1a2b3c4',
    priceVersion: 'p1a2b3c4',
    startedAtMs: 1_800_000_000_000,
    durationMs: 812,
    outcome: 'finished',
    estimated: false,
    lines: [line('input', 100), line('cached_input', 20), line('output', 300)],
  },
} as const

let made = 0

/** One model call as the gateway makes it: an employee and an organization, no limits, a receipt of three lines. */
export function callOf(accountId: string): { readonly reserve: ReserveRequest; readonly settle: SettleRequest } {
  made += 1
  const name = { accountId, id: chargeId(Date.now(), `bench-${made}`) }
  const lease = { amount: toMicro(50_000), minimum: toMicro(10_000), ttlMs: 60_000, row, levels }
  return { reserve: { ...name, ...lease }, settle: { ...name, ...settlement } }
}

/** Reserve, then settle. Rejects for any answer but the first. */
export async function pair(ledger: Ledger, accountId: string): Promise<void> {
  const { reserve, settle } = callOf(accountId)
  const reserved = await ledger.reserve(reserve)
  if (reserved.status !== 'created') throw new Error(`reserve answered ${reserved.status}`)
  const settled = await ledger.settle(settle)
  if (settled.status !== 'settled') throw new Error(`settle answered ${settled.status}`)
}

/** Accounts with as many credits as anybody could spend, or with none. */
export async function loadAccounts(ledger: Ledger, accountIds: readonly string[], credits: number): Promise<void> {
  for (const accountId of accountIds) {
    await ledger.lock(accountId, 'bench', 60_000)
    const answer = await ledger.hydrate({
      accountId,
      token: 'bench',
      lineage: 1,
      terms: termsOf(accountId, credits),
      epochs: [],
      budgets: [],
      held: zero,
      newestBirthMs: 0,
      journalNowMs: 0,
    })
    if (answer.status !== 'hydrated') throw new Error(`hydrate answered ${answer.status}`)
  }
}

function termsOf(accountId: string, credits: number): Terms {
  const granted = creditsToMicro(credits)
  return {
    version: 1,
    epoch: 1,
    granted,
    used: zero,
    earlier: [],
    budgets: [],
    utcOffsetMs: 0,
    alertsAt: [25, 15, 0].map((percent) => toMicro((granted * percent) / 100)),
    card: {
      accountId,
      plan: 'pro',
      planName: 'Pro',
      allowance: granted,
      periodStartMs: 0,
      periodEndMs: 1,
      timeZone: 'UTC',
      total: granted,
      grants: [],
      employees: [],
    },
  }
}
