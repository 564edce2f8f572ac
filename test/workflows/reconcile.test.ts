import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import type { ActivityDeps, ReconcileEvent } from '../../activities/deps.ts'
import { remainingOf } from '../../credits/balance.ts'
import { reconcileWorkflowId } from '../../credits/account/reconcile-start.ts'
import { rowKey } from '../../credits/usage-row.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { shardOf } from '../../ledger/keys.ts'
import { startReconciler } from '../../middleware/reconcilers.ts'
import type { DyingWorker } from './dying-worker.ts'
import { appRow, hold, type LedgerStand, openLedgerStand, spend } from './ledger-stand.ts'
import { credits } from './catalogue.ts'
import { newAccountId, openStand, type RunningWorker, signUpOf, type Stand } from './stand.ts'
import { until } from '../stack/until.ts'

let stand: Stand
let parts: LedgerStand
let accounts: Accounts
let load: (accountId: string) => Promise<'loaded' | 'unknown'>
let worker: RunningWorker

beforeAll(async () => {
  ;[stand, parts] = await Promise.all([openStand(), openLedgerStand()])
  const live = parts.live(stand.accounts)
  accounts = live.accounts
  load = (accountId) => live.loader.load(accountId)
  worker = await stand.startWorker(parts.activities(stand.accounts))
})
afterAll(async () => {
  for (const range of ranges) await stand.client.workflow.getHandle(reconcileWorkflowId(range)).terminate()
  await stand.close()
  await parts.close()
})

/** Ranges that no other test on this Temporal has: their workflows' ids are the server's. */
const ranges = [
  { from: 0, to: 77 },
  { from: 78, to: 255 },
]
async function startReconcilers(): Promise<void> {
  await Promise.all(ranges.map((range) => startReconciler(stand.client, stand.taskQueue, range)))
}

async function account(): Promise<string> {
  const accountId = newAccountId()
  expect(await accounts.signUp(signUpOf(accountId))).toMatchObject({ ok: true })
  return accountId
}

async function remaining(accountId: string): Promise<number> {
  const reading = await parts.ledger.read(accountId)
  if (reading.status !== 'loaded') throw new Error(reading.status)
  return remainingOf(reading)
}

const viewOf = async (accountId: string) => {
  const answer = await accounts.view(accountId)
  if (!answer.ok) throw new Error(answer.code)
  return answer.view
}
const isDirty = async (accountId: string) => {
  const shards = Array.from({ length: 256 }, (_, shard) => shard)
  const pending = await parts.ledger.pending(shards, { dirtyOlderThanMs: 0, perShard: 100 })
  return pending.some((shard) => shard.dirty.includes(accountId))
}
const spentOf = async (accountId: string) => (await viewOf(accountId)).periods[0]!.spent
const journalled = async (accountId: string) =>
  (await parts.journal.totals(accountId)).epochs[0]?.rows[rowKey(appRow)]?.charged

describe('what an account is granted', () => {
  test('is in the ledger when the sign-up has its answer', async () => {
    expect(await remaining(await account())).toBe(credits(1000))
  })

  test('later is there when the grant has its answer', async () => {
    const accountId = await account()
    await accounts.grant(accountId, {
      id: 'p',
      source: 'pack',
      amount: credits(5),
      resets: true,
      detail: '',
      by: 'test',
    })
    expect(await remaining(accountId)).toBe(credits(1005))
  })

  test('comes to the ledger also when the caller died before bringing it', async () => {
    const accountId = await account()
    await stand.accounts.grant(accountId, {
      id: 'p',
      source: 'pack',
      amount: credits(5),
      resets: true,
      detail: '',
      by: 'test',
    })
    expect(await until(async () => (await remaining(accountId)) === credits(1005))).toBe(true)
  })
})

describe('loading an account', () => {
  test('that nobody opened says so, and its sign-up is not held up', async () => {
    const accountId = newAccountId()
    expect(await load(accountId)).toBe('unknown')
    expect(await load(accountId)).toBe('unknown')
    await accounts.signUp(signUpOf(accountId))
    expect(await remaining(accountId)).toBe(credits(1000))
  })

  test('by many at once begins one life of it', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    const elsewhere = parts.live(stand.accounts).loader
    const answers = await Promise.all([...Array.from({ length: 10 }, () => load(accountId)), elsewhere.load(accountId)])
    expect(new Set(answers)).toEqual(new Set(['loaded']))
    expect(await viewOf(accountId)).toMatchObject({ lineage: 1 })
  })

  test('that Redis lost brings it back with what the journal knows', async () => {
    const accountId = await account()
    await spend(parts.ledger, accountId, credits(30))
    await new MockActivityEnvironment().run(parts.activities(stand.accounts).drainReceipts, {
      from: 0,
      to: 255,
      roundMs: 1,
    })
    await parts.flush()
    expect(await load(accountId)).toBe('loaded')
    expect(await remaining(accountId)).toBe(credits(970))
    expect(await viewOf(accountId)).toMatchObject({ lineage: 2 })
  })
})

describe('the reconciler', () => {
  const round = { from: 0, to: 255, roundMs: 1 }
  const pass = (
    name: 'drainReceipts' | 'sweepHolds' | 'reconcileAccounts',
    change: Parameters<LedgerStand['activities']>[1] = {},
  ) => new MockActivityEnvironment().run(parts.activities(stand.accounts, change)[name], round)
  const aged = () => parts.aged()
  afterEach(() => parts.flush())

  test('may be repeated: what was spent counts once', async () => {
    const accountId = await account()
    await spend(parts.ledger, accountId, credits(10))
    await aged()
    await pass('reconcileAccounts')
    await spend(parts.ledger, accountId, credits(5))
    await aged()
    await Promise.all([
      pass('reconcileAccounts'),
      pass('reconcileAccounts'),
      pass('drainReceipts'),
      pass('drainReceipts'),
    ])
    await pass('drainReceipts')
    expect(await spentOf(accountId)).toBe(credits(15))
    expect(await journalled(accountId)).toBe(credits(15))
  })

  test.each(['before', 'after'])(
    'whose call is lost %s the workflow took it counts what was spent once',
    async (when) => {
      const accountId = await account()
      await spend(parts.ledger, accountId, credits(10))
      await aged()
      const lossy: Accounts = {
        ...stand.accounts,
        reconcile: async (id, report) => {
          if (when === 'after') await stand.accounts.reconcile(id, report)
          throw new Error('connection lost')
        },
      }
      await pass('reconcileAccounts', { accounts: lossy })
      expect(await parts.ledger.snapshot(accountId)).toMatchObject({ acked: 0 })
      await aged()
      await pass('reconcileAccounts')
      expect(await spentOf(accountId)).toBe(credits(10))
      const snapshot = await parts.ledger.snapshot(accountId)
      expect(snapshot.status === 'loaded' && snapshot.acked === snapshot.seq).toBe(true)
    },
  )

  test('goes on with the others when one account fails', async () => {
    const [broken, whole] = [await account(), await account()]
    await Promise.all([spend(parts.ledger, broken, credits(1)), spend(parts.ledger, whole, credits(2))])
    await aged()
    const events: ReconcileEvent[] = []
    const failing: Accounts = {
      ...stand.accounts,
      reconcile: (id, report) =>
        id === broken ? Promise.reject(new Error('broken')) : stand.accounts.reconcile(id, report),
    }
    await pass('reconcileAccounts', { accounts: failing, count: (event) => void events.push(event) })
    expect(await spentOf(whole)).toBe(credits(2))
    expect(events).toContain('turn_failed')
  })

  test('drains the other shards when the journal cannot take a receipt of one', async () => {
    const broken = await account()
    let whole = await account()
    while (shardOf(whole) === shardOf(broken)) whole = await account()
    await Promise.all([spend(parts.ledger, broken, credits(1)), spend(parts.ledger, whole, credits(2))])
    const events: ReconcileEvent[] = []
    const journal: ActivityDeps['journal'] = {
      ...parts.journal,
      storeReceipts: async (receipts) => {
        if (receipts.some((receipt) => receipt.accountId === broken)) throw new RangeError('not to be stored')
        await parts.journal.storeReceipts(receipts)
      },
    }
    await pass('drainReceipts', { journal, count: (event) => void events.push(event) })
    expect(await journalled(whole)).toBe(credits(2))
    expect(await journalled(broken)).toBeUndefined()
    expect(events).toContain('turn_failed')
    await pass('drainReceipts')
    expect(await journalled(broken)).toBe(credits(1))
  })

  test('expires holds that nobody renewed', async () => {
    const accountId = await account()
    const id = await hold(parts.ledger, accountId, credits(100), 200)
    await parts.ledger.extend({ accountId, id, accrued: credits(7), more: credits(0), ttlMs: 200 })
    await parts.overdue(id)
    await pass('sweepHolds')
    expect(await remaining(accountId)).toBe(credits(993))
    expect(await parts.ledger.read(accountId)).toMatchObject({ held: 0 })
  })

  test('expires nothing while its clock and that of Redis are far apart', async () => {
    const accountId = await account()
    await parts.overdue(await hold(parts.ledger, accountId, credits(100), 50))
    const events: ReconcileEvent[] = []
    const clock = { ...systemClock, now: () => Date.now() + 6000, sleep: async () => undefined }
    await pass('sweepHolds', { clock, count: (event) => void events.push(event) })
    expect(events).toEqual(['clocks_apart'])
    expect(await parts.ledger.read(accountId)).toMatchObject({ held: credits(100) })
  })
})

describe('the reconcile workflow', () => {
  test(
    'whose worker is killed when the workflow had the rows and before it was told counts them once',
    { timeout: 120_000 },
    async () => {
      const accountId = await account()
      await worker.stop()
      const dying: DyingWorker = {
        temporalAddress: inject('temporalAddress'),
        redisUrl: parts.redis.url,
        databaseUrl: inject('databaseUrl'),
        workflowBundlePath: inject('workflowBundlePath'),
        taskQueue: stand.taskQueue,
      }
      const script = join(import.meta.dirname, 'dying-worker.ts')
      const child = spawn(process.execPath, [script, JSON.stringify(dying)], { stdio: ['ignore', 'ignore', 'inherit'] })
      const killed = once(child, 'exit')
      await startReconcilers()
      await spend(parts.ledger, accountId, credits(4))
      expect(await killed).toEqual([null, 'SIGKILL'])
      const before = await parts.ledger.snapshot(accountId)
      expect(before.status === 'loaded' && before.acked < before.seq).toBe(true)

      worker = await stand.startWorker(parts.activities(stand.accounts))
      expect(await until(async () => !(await isDirty(accountId)), 60_000)).toBe(true)
      const after = await parts.ledger.snapshot(accountId)
      expect(after).toMatchObject({ acked: before.status === 'loaded' && before.seq })
      expect(await viewOf(accountId)).toMatchObject({ periods: [{ spent: credits(4) }] })
      expect(await until(async () => (await journalled(accountId)) === credits(4))).toBe(true)
    },
  )

  test('brings a charge to journal and workflow within five seconds, and stops with its worker within two', async () => {
    const accountId = await account()
    await startReconcilers()
    await startReconcilers()
    await until(async () => (await viewOf(accountId)).seq > 0)
    const chargedMs = Date.now()
    await spend(parts.ledger, accountId, credits(3))
    await until(async () => (await journalled(accountId)) === credits(3))
    const journalMs = Date.now() - chargedMs
    await until(async () => (await spentOf(accountId)) === credits(3))
    const workflowMs = Date.now() - chargedMs
    console.info(`charge in the journal after ${journalMs} ms, in the workflow after ${workflowMs} ms`)
    expect(workflowMs).toBeLessThan(5000)

    const stoppingMs = Date.now()
    await worker.stop()
    expect(Date.now() - stoppingMs).toBeLessThan(2000)

    // Another worker takes over where that one stopped.
    await spend(parts.ledger, accountId, credits(3))
    await stand.startWorker(parts.activities(stand.accounts))
    await until(async () => (await spentOf(accountId)) === credits(6))
  })
})
