import { MockActivityEnvironment, type TestWorkflowEnvironment } from '@temporalio/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rowsReport } from '../../activities/rows-report.ts'
import { remainingOf } from '../../credits/balance.ts'
import { periodAt } from '../../credits/period.ts'
import { type RowKey, type RowTotals, rowKey } from '../../credits/usage-row.ts'
import { shardOf } from '../../ledger/keys.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import type { AccountLoader } from '../../middleware/load-account.ts'
import { until } from '../stack/until.ts'
import { credits } from './catalogue.ts'
import { appRow, hold, type LedgerStand, openLedgerStand, settle, spend } from './ledger-stand.ts'
import { newAccountId, signUpOf } from './stand.ts'
import { openTimeSkippingStand, type TimeSkippingStand } from './time-skipping-stand.ts'

const months = 24
let env: TestWorkflowEnvironment
let parts: LedgerStand
let accounts: Accounts
let loader: AccountLoader
let stand: TimeSkippingStand

beforeAll(async () => {
  parts = await openLedgerStand()
  stand = await openTimeSkippingStand((workflowAccounts) => parts.activities(workflowAccounts), { updatesPerRun: 40 })
  env = stand.env
  ;({ accounts, loader } = parts.live(stand.accounts))
})
afterAll(async () => {
  await stand?.close()
  await parts.close()
})

const view = async (accountId: string) => {
  const answer = await accounts.view(accountId)
  if (!answer.ok) throw new Error(answer.code)
  return answer.view
}
const reading = async (accountId: string) => {
  const answer = await parts.ledger.read(accountId)
  if (answer.status !== 'loaded') throw new Error(answer.status)
  return answer
}
/** What the worker does all the time: receipts to the journal, rows to the workflow, ended periods closed. */
async function catchUp(accountId: string): Promise<void> {
  const round = { from: shardOf(accountId), to: shardOf(accountId), roundMs: 1 }
  // Between passes they rest, which nobody needs here.
  const clock = { ...systemClock, sleep: (ms: number) => systemClock.sleep(Math.min(ms, 10)) }
  const activities = parts.activities(accounts, { clock })
  await new MockActivityEnvironment().run(activities.drainReceipts, round)
  const snapshot = await parts.ledger.snapshot(accountId)
  if (snapshot.status !== 'loaded') throw new Error(snapshot.status)
  const answer = await accounts.reconcile(accountId, rowsReport(snapshot))
  if (!answer.ok) throw new Error(answer.code)
  await parts.ledger.putTerms(accountId, answer.terms)
  await parts.ledger.ackRows(accountId, snapshot.lineage, snapshot.seq)
  await new MockActivityEnvironment().run(activities.checkAccounts, round)
}
const chargedIn = (rows: Readonly<Record<RowKey, RowTotals>>): number =>
  Object.values(rows).reduce((sum, row) => sum + row.charged, 0)

test(
  `${months} months with a call in flight at each end: every month's figures are the journal's`,
  { timeout: 240_000 },
  async () => {
    const accountId = newAccountId()
    await accounts.signUp(signUpOf(accountId))
    await loader.load(accountId)
    await accounts.setPlan(accountId, { plan: 'pro', by: 'test' })
    const { createdAtMs, timeZone } = await view(accountId)

    for (let month = 1; month <= months; month += 1) {
      // A pack and most of the allowance go in its month, and the alerts with it.
      await accounts.grant(accountId, {
        id: `pack:${month}`,
        source: 'pack',
        amount: credits(500),
        resets: true,
        detail: '',
        by: 'test',
      })
      await spend(parts.ledger, accountId, credits(8700 + month))
      const inFlight = await hold(parts.ledger, accountId, credits(100))
      await catchUp(accountId)
      const { endMs } = periodAt(createdAtMs, timeZone, month - 1)
      await env.sleep(Math.max(1, endMs - (await env.currentTimeMs()) + 1_000))
      await until(async () => (await reading(accountId)).epoch === month + 1)
      // It belongs to the period in which it began, whatever has begun since.
      await settle(parts.ledger, accountId, inFlight, credits(50))
      await spend(parts.ledger, accountId, credits(1))
      await catchUp(accountId)
      await catchUp(accountId)
      // The allowance anew, the pack gone, the bonus whole.
      expect(remainingOf(await reading(accountId))).toBe(credits(10_000 + 1000 - 1))
    }

    const { periods, alerts, grants } = await view(accountId)
    const { epochs } = await parts.journal.totals(accountId)
    const inJournal = new Map(epochs.map(({ epoch, rows }) => [epoch, chargedIn(rows)]))
    expect(periods).toHaveLength(months + 1)
    for (const { epoch, spent, rows, closed, startMs, endMs } of periods) {
      const own = epoch > months ? 1 : 8700 + epoch + 50 + (epoch === 1 ? 0 : 1)
      expect([epoch, spent, chargedIn(rows), inJournal.get(epoch)]).toEqual([
        epoch,
        ...Array.from({ length: 3 }, () => credits(own)),
      ])
      expect(closed).toBe(epoch <= months)
      expect({ startMs, endMs }).toEqual(periodAt(createdAtMs, timeZone, epoch - 1))
      expect(Object.keys(rows)).toEqual([rowKey({ ...appRow, employee: '' })])
    }
    expect(grants.find(({ source }) => source === 'welcome')).toMatchObject({ status: 'active', left: credits(1000) })
    expect(grants.filter(({ source, status }) => source === 'pack' && status === 'reset')).toHaveLength(months)
    // Each period alerts anew, and once; those of the last thirteen are remembered.
    const ofPeriod = (epoch: number) =>
      alerts.filter((alert) => alert.epoch === epoch).map(({ threshold }) => threshold)
    for (let epoch = months - 11; epoch <= months; epoch += 1) expect(ofPeriod(epoch)).toEqual([25])
    expect(ofPeriod(months + 1)).toEqual([])
  },
)
