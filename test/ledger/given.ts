import type { Redis } from 'ioredis'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import type { ChargeId } from '../../credits/charge-id.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import type { SessionFacts } from '../../credits/session/facts.ts'
import type { AccountCard, Terms } from '../../credits/terms.ts'
import type { Quantities, UsageRow } from '../../credits/usage-row.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { type Ledger, type LedgerOptions, createLedger } from '../../ledger/ledger.ts'
import type { ScriptSettings } from '../../ledger/scripts.ts'

export const row: UsageRow = {
  category: 'ai_usage',
  tier: 'fast',
  model: 'practice/small',
  item: '',
  employee: 'ada',
  organization: '',
}
export const quantities: Quantities = {
  units: 1,
  inputTokens: 7,
  cachedTokens: 2,
  outputTokens: 3,
  reasoningTokens: 1,
}

export function detailOf(startedAtMs: number): ReceiptDetail {
  return {
    messageId: 'message-1',
    task: '',
    purpose: '',
    provider: 'practice',
    pricedAs: 'practice/small',
    catalogueVersion: 'c1',
    priceVersion: 'p1',
    startedAtMs,
    durationMs: 5,
    outcome: 'finished',
    estimated: false,
    lines: [],
  }
}

export const sessionFacts: SessionFacts = {
  kind: 'voice',
  employee: 'ada',
  organization: '',
  message: '',
  adapter: 'browser',
  meetingUrl: null,
  ref: '',
  platform: null,
  perMinute: toMicro(3_000_000),
  rounding: 'second',
  longestMs: 14_400_000,
  silentAfterMs: 30_000,
  warnMs: 120_000,
  row: { category: 'voice_calls', tier: '', model: '', item: 'voice', employee: 'ada', organization: '' },
  levels: ['employee:ada'],
  pricedAs: 'voice',
  catalogueVersion: 'c1',
}

const card: AccountCard = {
  accountId: 'somebody',
  plan: 'free',
  planName: 'Free',
  allowance: creditsToMicro(0),
  periodStartMs: 0,
  periodEndMs: 1,
  timeZone: 'UTC',
  total: creditsToMicro(0),
  grants: [],
  employees: [],
}

/** Terms of a first period; what a test is about is given, the rest is empty. */
export function termsOf(change: Partial<Terms>): Terms {
  return {
    version: 1,
    epoch: 1,
    granted: toMicro(0),
    used: toMicro(0),
    earlier: [],
    budgets: [],
    utcOffsetMs: 0,
    alertsAt: [],
    card,
    ...change,
  }
}

/** For scripts that a test runs by itself. */
export const scriptSettings: ScriptSettings = {
  depletedBelow: 0,
  exposureCap: null,
  tombstoneMs: 600_000,
  slackMs: 60_000,
}

export interface GivenLedger {
  readonly redis: Redis
  readonly ledger: Ledger
  /** A clock of its own instead of Redis': a month passes at once. */
  readonly clock: { nowMs(): number; set(ms: number): Promise<void>; advance(ms: number): Promise<void> }
  /** Loads an account with these terms. */
  load(accountId: string, change: Partial<Terms>): Promise<void>
  /** An id that the gate admits unasked: born now, in an account that has been known for long. */
  mint(key: string): ChargeId
  stop(): Promise<void>
}

/** A ledger on a Redis of its own, with a clock that the test turns. Redis forgets what is past by that clock, too. */
export async function givenLedger(options: Partial<LedgerOptions> = {}): Promise<GivenLedger> {
  const server: RunningRedis = await startRedis()
  const redis = await connectRedis(server.url, { commandTimeoutMs: 30_000 })
  const clockKey = 'test:clock'
  // Far ahead of Redis' own time, so that nothing expires but by this clock
  let now = Date.now() + 400 * 86_400_000
  await redis.set(clockKey, now)
  const ledger = createLedger(redis, {
    depletedBelow: toMicro(0),
    clock: `local function nowMs() return tonumber(redis.call('GET', '${clockKey}')) end`,
    ...options,
  })
  const set = async (ms: number): Promise<void> => {
    now = ms
    await redis.set(clockKey, now)
    const keys = await redis.keys('tg:*:h:*')
    const times = await Promise.all(keys.map((key) => redis.pexpiretime(key)))
    const past = keys.filter((_, index) => times[index]! >= 0 && times[index]! <= now)
    if (past.length > 0) await redis.del(...past)
  }
  const clock = { nowMs: () => now, set, advance: (ms: number) => set(now + ms) }
  return {
    redis,
    ledger,
    clock,
    async load(accountId, change) {
      await ledger.lock(accountId, 'test', 60_000)
      const terms = termsOf(change)
      const answer = await ledger.hydrate({
        accountId,
        token: 'test',
        lineage: 1,
        terms,
        epochs: [],
        budgets: [],
        held: toMicro(0),
        newestBirthMs: 0,
        journalNowMs: 0,
      })
      if (answer.status !== 'hydrated') throw new Error(`could not load ${accountId}: ${answer.status}`)
      // What was known a moment ago must be asked about
      await clock.advance(120_000)
    },
    mint: (key) => chargeId(now, key === '' ? 'unused' : key.replaceAll(' ', '-')),
    async stop() {
      await ledger.close()
      await server.stop()
    },
  }
}
