import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCheckAccount } from '../../activities/check-account.ts'
import type { ActivityDeps, Drift } from '../../activities/deps.ts'
import { beginPast } from '../../bin/demo/begin-past.ts'
import { type Past, pastAccount } from '../../bin/demo/past-account.ts'
import { parseCatalogue } from '../../credits/parse-catalogue.ts'
import { systemClock } from '../../middleware/clock.ts'
import { type LedgerStand, openLedgerStand, silent } from '../workflows/ledger-stand.ts'
import { newAccountId, openStand, type Stand } from '../workflows/stand.ts'

const parsed = parseCatalogue(readFileSync(new URL('../../catalogue.yaml', import.meta.url), 'utf8'))
if (!parsed.ok) throw new Error('the catalogue of the repository is broken')
const { catalogue } = parsed

const dayMs = 86_400_000
const employees = [
  { id: 'ada', name: 'Ada', tier: 'fast', messages: 2 },
  { id: 'clara', name: 'Clara', tier: 'advanced', messages: 2 },
] as const

const pastOf = (accountId: string, untilMs: number): Past =>
  pastAccount({ accountId, email: 'demo@example.com', catalogue, employees, untilMs })
const total = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0)

describe('a hundred days that were made up', () => {
  const untilMs = Date.UTC(2026, 10, 23, 14)
  const past = pastOf('demo', untilMs)

  test('are the same each time, end when they should, and say what they are', () => {
    expect(pastOf('demo', untilMs)).toEqual(past)
    const times = past.receipts.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((one, other) => one - other))
    expect(Math.max(...times)).toBeLessThan(untilMs)
    expect(untilMs - Math.min(...times)).toBeGreaterThan(98 * dayMs)
    expect(past.receipts.every(({ detail }) => detail?.purpose === 'demo history')).toBe(true)
    expect(past.receipts.every(({ row }) => row.endsWith('|demo'))).toBe(true)
  })

  test('have spent in every category, each charge what its lines come to, and never more than there was', () => {
    const { receipts, state } = past
    for (const { charged, detail } of receipts) expect(total(detail!.lines.map(({ amount }) => amount))).toBe(charged)
    expect(new Set(receipts.map(({ row }) => row.split('|')[0]))).toEqual(
      new Set(['ai_usage', 'tool_calls', 'internal', 'compute_runtime', 'tasks_completed', 'voice_calls']),
    )
    for (const { epoch, spent, free, rows } of state.periods) {
      expect(total(receipts.filter((each) => each.epoch === epoch).map(({ charged }) => charged))).toBe(spent)
      expect(total(Object.values(rows).map(({ charged }) => charged))).toBe(spent)
      expect(spent).toBeGreaterThan(0)
      expect(spent).toBeLessThan(free)
    }
    expect(state.periods.map(({ closed }) => closed)).toEqual([true, true, true, false])
  })
})

describe('begun on the real stores', () => {
  let temporal: Stand
  let stores: LedgerStand

  beforeAll(async () => {
    ;[temporal, stores] = await Promise.all([openStand(), openLedgerStand()])
    await temporal.startWorker(stores.activities(temporal.accounts))
  })
  afterAll(async () => {
    await temporal?.close()
    await stores?.close()
  })

  test('ledger, workflow and journal say the same of it, also when it is begun twice', async () => {
    const { accounts, loader } = stores.live(temporal.accounts)
    const past = pastOf(newAccountId(), Date.now())
    const { accountId } = past.state
    const deps = { client: temporal.client, taskQueue: temporal.taskQueue, journal: stores.journal }
    // A crash after the receipts
    await stores.journal.storeReceipts(past.receipts.slice(0, 700))
    await beginPast(deps, past)
    await beginPast(deps, past)
    expect(await loader.load(accountId)).toBe('loaded')

    const drifts: Drift[] = []
    const check = createCheckAccount({
      ledger: stores.ledger,
      journal: stores.journal,
      accounts,
      policies: catalogue.policies,
      clock: systemClock,
      log: silent,
      drift: (drift: Drift) => void drifts.push(drift),
    } as unknown as ActivityDeps)
    expect(await check(accountId)).toBe('checked')
    expect(drifts).toEqual([])
    const answer = await accounts.view(accountId)
    if (!answer.ok) throw new Error(answer.message)
    const held = await stores.ledger.inspect(accountId)
    if (held.status !== 'loaded') throw new Error(held.status)
    const spent = past.state.periods.at(-1)!.spent
    expect(total(Object.values(held.epochs.at(-1)!.rows).map(({ charged }) => charged))).toBe(spent)
    expect(answer.view.periods[0]).toMatchObject({ spent })
  })
})
