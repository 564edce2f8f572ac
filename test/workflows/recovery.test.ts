import { MockActivityEnvironment } from '@temporalio/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ActivityDeps, Drift, ReconcileEvent } from '../../activities/deps.ts'
import { remainingOf } from '../../credits/balance.ts'
import { rowKey } from '../../credits/usage-row.ts'
import { accountKeys } from '../../ledger/keys.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { type AccountLoader, createAccountLoader } from '../../middleware/load-account.ts'
import { appRow, hold, type LedgerStand, openLedgerStand, settle, silent, spend } from './ledger-stand.ts'
import { credits } from './catalogue.ts'
import { newAccountId, openStand, signUpOf, type Stand } from './stand.ts'

let stand: Stand
let parts: LedgerStand
let accounts: Accounts
let loader: AccountLoader
/** Reports what is dirty at once. */
let hasty: Ledger

beforeAll(async () => {
  ;[stand, parts] = await Promise.all([openStand(), openLedgerStand()])
  ;({ accounts, loader } = parts.live(stand.accounts))
  await stand.startWorker(parts.activities(stand.accounts))
  hasty = {
    ...parts.ledger,
    pending: (shards, limits) => parts.ledger.pending(shards, { ...limits, dirtyOlderThanMs: 0 }),
  }
})
afterAll(async () => {
  await stand.close()
  await parts.close()
})

let accountId: string
let events: ReconcileEvent[]
let drifts: Drift[]
let logged: unknown[]
beforeEach(async () => {
  accountId = newAccountId()
  events = []
  drifts = []
  logged = []
  await accounts.signUp(signUpOf(accountId))
})
afterEach(() => parts.flush())

/** Nobody sleeps, so a pass ends at once. */
const clock = { ...systemClock, sleep: async () => undefined }
const everyShard = { from: 0, to: 255, roundMs: 1 }
type Passes = ReturnType<typeof worker>

/** The activities of one worker process. */
function worker(change: Partial<ActivityDeps> = {}) {
  const log = { ...silent, error: (facts: object) => void logged.push(facts) }
  const activities = parts.activities(stand.accounts, {
    ledger: hasty,
    clock,
    log,
    count: (event) => void events.push(event),
    drift: (drift) => void drifts.push(drift),
    ...change,
  })
  const pass = (name: 'drainReceipts' | 'reconcileAccounts' | 'checkAccounts') => () =>
    new MockActivityEnvironment().run(activities[name], everyShard)
  return { drain: pass('drainReceipts'), reconcile: pass('reconcileAccounts'), check: pass('checkAccounts') }
}

/** All that a worker would do, often enough for an account to be repaired, reported, checked and reported again. */
async function recover(passes: Passes = worker()): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await passes.drain()
    await passes.reconcile()
    await passes.check()
  }
}

async function snapshotOf() {
  const snapshot = await parts.ledger.snapshot(accountId)
  if (snapshot.status !== 'loaded') throw new Error(snapshot.status)
  return snapshot
}
async function viewOf() {
  const answer = await stand.accounts.view(accountId)
  if (!answer.ok) throw new Error(answer.code)
  return answer.view
}
const appKey = rowKey(appRow)
/** What the account has spent as the three of them know it. */
async function spentInAll(): Promise<Record<'ledger' | 'workflow' | 'journal', number>> {
  const { spent, granted, ...snapshot } = await snapshotOf()
  expect(remainingOf({ ...snapshot, spent, granted })).toBe(granted - spent)
  return {
    ledger: spent,
    workflow: (await viewOf()).periods[0]!.spent,
    journal: (await parts.journal.totals(accountId)).epochs[0]?.rows[appKey]?.charged ?? 0,
  }
}
const all = (amount: number) => ({ ledger: credits(amount), workflow: credits(amount), journal: credits(amount) })
const spendCredits = (amount: number) => spend(parts.ledger, accountId, credits(amount), ['employee:bo'])
/** In credits, as the whole numbers of µcr that they are. */
const drifted = (where: Drift['where'], amount: number, corrected = true): Drift => ({
  where,
  amount: amount * 1_000_000,
  corrected,
})

/** The same part, but its first call of `step` fails, before or after it was made. */
function dyingAt<Part extends object>(step: string, when: string, part: Part): Part {
  const call = (part as Record<string, unknown>)[step] as ((...args: unknown[]) => Promise<unknown>) | undefined
  if (call === undefined) return part
  let died = false
  const dies = async (...args: unknown[]): Promise<unknown> => {
    if (died) return call(...args)
    died = true
    if (when === 'after') await call(...args)
    throw new Error('the worker died here')
  }
  return { ...part, [step]: dies }
}

describe('a ledger that went back in time', () => {
  test('to before what the workflow has: the account is repaired at its next report, and spends nothing twice', async () => {
    const { drain, reconcile } = worker()
    await spendCredits(1)
    const goBack = await parts.remember()
    await spendCredits(10)
    await drain()
    await reconcile()
    await goBack()
    await reconcile()
    expect(events).toContain('ledger_behind')
    expect(events).toContain('accounts_repaired')
    await recover()
    expect(await spentInAll()).toEqual(all(11))
    expect(drifts).toContainEqual(drifted('ledger_rows', 10))
    expect(drifts).toContainEqual(drifted('ledger_windows', 10))
    expect((await snapshotOf()).budgets).toMatchObject([{ level: 'employee:bo', spent: credits(11) }])
  })

  test('and charged as often as before, but something else: the account is repaired', async () => {
    const { reconcile } = worker()
    const goBack = await parts.remember()
    await spendCredits(10)
    await reconcile()
    await goBack()
    await spendCredits(3)
    await reconcile()
    expect(events).toContain('ledger_forked')
    await recover()
    expect(await spentInAll()).toEqual(all(3))
  })

  test('while nobody works any more: the check finds what the journal has', async () => {
    const { drain, reconcile, check } = worker()
    await spendCredits(1)
    await drain()
    await reconcile()
    await check()
    const goBack = await parts.remember()
    await spendCredits(10)
    await drain()
    await goBack()
    events = []
    await worker().check()
    expect(events).toEqual(['ledger_rolled_back', 'accounts_repaired'])
    await recover()
    expect(await spentInAll()).toEqual(all(11))
  })

  test('while nobody works any more: the check finds what the workflow has, terms included', async () => {
    const { drain, reconcile } = worker()
    const goBack = await parts.remember()
    await spendCredits(10)
    await drain()
    await reconcile()
    await accounts.grant(accountId, {
      id: 'pack',
      source: 'pack',
      amount: credits(50),
      resets: true,
      detail: '',
      by: 'test',
    })
    await goBack()
    await worker().check()
    expect(events).toContain('ledger_behind')
    await recover()
    expect(await spentInAll()).toEqual(all(10))
    expect(await snapshotOf()).toMatchObject({ granted: credits(1050) })
  })

  test('and forgot its last repair gets a life of its own again', async () => {
    const goBack = await parts.remember()
    await spendCredits(2)
    const { lineage } = await snapshotOf()
    const next = await stand.accounts.nextLineage(accountId)
    if (!next.ok) throw new Error(next.code)
    await parts.ledger.repair(accountId, { from: lineage, to: next.lineage })
    await recover()
    await goBack()
    await recover()
    expect(events).toContain('other_lineage')
    expect(await spentInAll()).toEqual(all(2))
    expect((await snapshotOf()).lineage).toBeGreaterThan(next.lineage)
  })

  test('a call that still runs settles after the repair', async () => {
    const { drain, reconcile } = worker()
    const running = await hold(parts.ledger, accountId, credits(20))
    const goBack = await parts.remember()
    await spendCredits(5)
    await drain()
    await reconcile()
    await goBack()
    await recover()
    expect(await snapshotOf()).toMatchObject({ held: credits(20), spent: credits(5) })
    await settle(parts.ledger, accountId, running, credits(20))
    await recover()
    expect(await spentInAll()).toEqual(all(25))
  })

  test.each(
    (
      ['nextLineage', 'repair', 'reconcile', 'ackRows', 'highestN', 'totals', 'correct', 'noteChecked'] as const
    ).flatMap((step) => [
      { step, when: 'before' },
      { step, when: 'after' },
    ]),
  )('is healed though a worker dies $when $step', async ({ step, when }) => {
    const { drain, reconcile } = worker()
    const goBack = await parts.remember()
    await spendCredits(10)
    await drain()
    await reconcile()
    await goBack()
    const dying = worker({
      ledger: dyingAt(step, when, hasty),
      journal: dyingAt(step, when, parts.journal),
      accounts: dyingAt(step, when, stand.accounts),
    })
    await dying.check()
    await dying.reconcile()
    await dying.check()
    await dying.reconcile()
    expect(events).toContain('turn_failed')
    // Another worker takes over.
    await recover()
    expect(await spentInAll()).toEqual(all(10))
    const { seq, acked } = await snapshotOf()
    expect(acked).toBe(seq)
  })
})

test('an account whose loader slept longer than its lock is reported again', async () => {
  await parts.flush()
  let wake: () => void = () => undefined
  const woken = new Promise<void>((resolve) => (wake = resolve))
  const slow = createAccountLoader({
    ledger: parts.ledger,
    journal: parts.journal,
    clock: systemClock,
    accounts: {
      nextLineage: async (id) => {
        await parts.forget(accountKeys(accountId).lock)
        await loader.load(accountId)
        wake()
        return stand.accounts.nextLineage(id)
      },
    },
  })
  expect(await slow.load(accountId)).toBe('loaded')
  await woken
  expect((await viewOf()).lineage).toBe((await snapshotOf()).lineage + 1)
  await spendCredits(4)
  await recover()
  expect(events).toContain('other_lineage')
  expect(await spentInAll()).toEqual(all(4))
})

describe('the three-way check', () => {
  test('takes back what the ledger charged and the journal does not know', async () => {
    await spendCredits(5)
    const { lineage, corrections, seq, epoch } = await snapshotOf()
    const add = {
      charged: credits(2),
      uncollected: 0,
      units: 1,
      inputTokens: 0,
      cachedTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    }
    const windows = (await snapshotOf()).budgets.map(({ level, window }) => ({ level, window, add: credits(2) }))
    await parts.ledger.correct({
      accountId,
      lineage,
      corrections,
      seq,
      rows: [{ epoch, row: appKey, add }],
      windows,
    })
    await recover()
    expect(await spentInAll()).toEqual(all(5))
    expect(drifts).toEqual([drifted('ledger_rows', -2), drifted('ledger_windows', -2)])
    expect(events.filter((event) => event === 'accounts_corrected')).toHaveLength(1)
  })

  /** The ledger went back, and its account was repaired: what is missing is still missing. */
  async function missing(amount: number): Promise<void> {
    const { drain } = worker()
    const goBack = await parts.remember()
    await spendCredits(amount)
    await drain()
    await goBack()
    await worker().check()
    events = []
  }

  test('leaves a difference alone that is above the largest correction, and calls the operator each time', async () => {
    await missing(101)
    const { check } = worker({ checkEveryMs: 0, evictAfterMs: 0 })
    await check()
    await check()
    expect(events.filter((event) => event === 'correction_refused')).toHaveLength(2)
    expect(events).not.toContain('accounts_corrected')
    expect(logged).toContainEqual(
      expect.objectContaining({ code: 'correction_refused', accountId, micro: credits(101), largest: credits(100) }),
    )
    expect(drifts).toContainEqual(drifted('ledger_rows', 101, false))
    // It must not leave either: the journal would decide when it comes back.
    expect(await snapshotOf()).toMatchObject({ spent: 0 })
    // What the operator does: a larger one is allowed, and the worker restarted.
    await recover(worker({ policies: { largestCorrection: credits(200) } }))
    expect(await spentInAll()).toEqual(all(101))
  })

  test('a difference of just the largest correction is corrected', async () => {
    await missing(100)
    await recover()
    expect(await spentInAll()).toEqual(all(100))
  })

  test('does not believe a journal that lost what it had confirmed', async () => {
    const { drain } = worker()
    await spendCredits(5)
    await drain()
    const restored = {
      ...parts.journal,
      highestN: async () => 0,
      totals: async () => ({
        epochs: [],
        budgets: [],
        newestBirthMs: 0,
        nowMs: 0,
        received: { highestN: 0, gap: false },
      }),
    }
    await worker({ journal: restored }).check()
    expect(events).toContain('journal_lost_commits')
    expect(logged).toContainEqual(expect.objectContaining({ code: 'journal_lost_commits', accountId }))
    expect(await snapshotOf()).toMatchObject({ spent: credits(5), corrections: 0 })
  })

  test('does not believe a journal that is restored from a backup while it is checked', async () => {
    const { drain } = worker()
    await spendCredits(5)
    await drain()
    const empty = { epochs: [], budgets: [], newestBirthMs: 0, nowMs: 0, received: { highestN: 0, gap: false } }
    // What was asked before the totals is of the journal as it was
    await worker({ journal: { ...parts.journal, totals: async () => empty } }).check()
    expect(events).toContain('journal_lost_commits')
    expect(await snapshotOf()).toMatchObject({ spent: credits(5), corrections: 0 })
  })

  test('takes nothing for a difference that is only on its way to the journal', async () => {
    await spendCredits(5)
    const { drain } = worker()
    let waits = 0
    const waiting = {
      ...clock,
      sleep: async () => {
        if ((waits += 1) === 2) await drain()
      },
    }
    await worker({ clock: waiting }).check()
    expect(waits).toBeGreaterThanOrEqual(2)
    expect(events).toContain('accounts_checked')
    expect(drifts).toEqual([])
  })

  test('gives up for now when the journal takes nothing, and puts off no report', async () => {
    await spendCredits(5)
    const { dirty } = accountKeys(accountId)
    const before = await parts.scoreOf(dirty, accountId)
    await worker().check()
    expect(await parts.scoreOf(dirty, accountId)).toBe(before)
    expect(events).toEqual(['journal_behind'])
    expect(await snapshotOf()).toMatchObject({ corrections: 0 })
  })

  test('of an account that is always at work compares what had arrived', async () => {
    const { drain } = worker()
    await spendCredits(5)
    await drain()
    const busy: ActivityDeps['journal'] = {
      ...parts.journal,
      totals: async (id, of) => {
        await spendCredits(7)
        await drain()
        return parts.journal.totals(id, of)
      },
    }
    await worker({ journal: busy }).check()
    expect(events).toContain('accounts_checked')
    expect(events).not.toContain('accounts_corrected')
    expect(drifts).toEqual([])
    await recover()
    expect(await spentInAll()).toEqual(all(12))
  })

  test('brings a workflow that was restored from a backup what it had confirmed', async () => {
    const { drain } = worker()
    await spendCredits(5)
    await drain()
    const { lineage, seq } = await snapshotOf()
    await parts.ledger.ackRows(accountId, lineage, seq)
    await worker().check()
    expect(events).toContain('workflow_behind')
    expect(await spentInAll()).toEqual(all(5))
  })

  test('of an account that has not changed asks the workflow nothing', async () => {
    await spendCredits(5)
    let asked = 0
    const counted: Accounts = { ...stand.accounts }
    for (const name of ['view', 'reconcile', 'closeEpoch', 'nextLineage'] as const) {
      const ask = stand.accounts[name] as (...args: unknown[]) => Promise<never>
      counted[name] = (...args: unknown[]) => {
        asked += 1
        return ask(...args)
      }
    }
    const one = worker({ accounts: counted, checkEveryMs: 0 })
    await recover(one)
    const before = asked
    events = []
    await one.check()
    await one.check()
    expect(events).toEqual(['accounts_unchanged', 'accounts_unchanged'])
    expect(asked).toBe(before)
    // A receipt that reaches the journal late is a change, too.
    await spendCredits(1)
    await one.check()
    expect(asked).toBeGreaterThan(before)
  })

  test('comes at once when another Redis answers', async () => {
    let identity = 'one'
    const restarting = worker({ ledger: { ...hasty, identity: async () => identity } })
    await restarting.check()
    events = []
    await restarting.check()
    expect(events).not.toContain('accounts_checked')
    identity = 'two'
    await restarting.check()
    expect(events).toContain('ledger_replaced')
    expect(events).toContain('accounts_checked')
  })

  test('of one account that fails does not keep the others from theirs', async () => {
    const whole = newAccountId()
    await accounts.signUp(signUpOf(whole))
    const failing: Accounts = {
      ...stand.accounts,
      view: (id) => (id === accountId ? Promise.reject(new Error('broken')) : stand.accounts.view(id)),
    }
    await worker({ accounts: failing }).check()
    expect(events.toSorted()).toEqual(['accounts_checked', 'turn_failed'])
  })
})

describe('an idle account', () => {
  /** A worker for which time passes when it is told to. */
  function waiting() {
    let laterMs = 0
    const passes = worker({
      evictAfterMs: 60_000,
      clock: { ...clock, now: () => Date.now() + laterMs },
      checkEveryMs: 0,
    })
    return { ...passes, advance: (ms: number) => void (laterMs += ms) }
  }

  test('leaves Redis and comes back as it was', async () => {
    const idle = waiting()
    await spendCredits(5)
    await recover(idle)
    expect(await spentInAll()).toEqual(all(5))
    idle.advance(120_000)
    await idle.check()
    expect(events).toContain('accounts_evicted')
    expect(await parts.ledger.read(accountId)).toEqual({ status: 'account_not_loaded' })
    expect(await loader.load(accountId)).toBe('loaded')
    expect(await snapshotOf()).toMatchObject({ spent: credits(5), quarantine: 0, granted: credits(1000) })
    expect(drifts).toEqual([])
  })

  test('sets nothing aside when it comes back for a call that came to nothing', async () => {
    const idle = waiting()
    const id = await hold(parts.ledger, accountId, credits(100))
    await spendCredits(5)
    await idle.reconcile()
    await parts.ledger.release({ accountId, id })
    await recover(idle)
    idle.advance(120_000)
    await idle.check()
    expect(events).toContain('accounts_evicted')
    await loader.load(accountId)
    expect(await snapshotOf()).toMatchObject({ spent: credits(5), quarantine: 0 })
  })

  test.each<[string, () => Promise<unknown>]>([
    ['a call of which still runs', () => hold(parts.ledger, accountId, credits(1))],
    ['that was used a moment ago', () => spendCredits(1)],
  ])('%s stays', async (_, use) => {
    const idle = waiting()
    await recover(idle)
    await use()
    await idle.check()
    idle.advance(120_000)
    await idle.check()
    expect(events).not.toContain('accounts_evicted')
    expect(await parts.ledger.read(accountId)).toMatchObject({ status: 'loaded' })
  })
})

describe('a ledger that is lost under a live account', () => {
  test('comes back with what the journal, the workflow and the running calls know', async () => {
    const { drain, reconcile } = worker()
    await spendCredits(30)
    const running = await hold(parts.ledger, accountId, credits(100))
    await drain()
    await reconcile()
    await parts.flush()
    // Granted while there was no ledger.
    await stand.accounts.grant(accountId, {
      id: 'pack',
      source: 'pack',
      amount: credits(50),
      resets: true,
      detail: '',
      by: 'test',
    })
    const hydrated: string[] = []
    loader.onHydrated((id) => void hydrated.push(id))
    expect(await loader.load(accountId)).toBe('loaded')
    expect(hydrated).toContain(accountId)
    expect(await snapshotOf()).toMatchObject({
      granted: credits(1050),
      spent: credits(30),
      held: 0,
      quarantine: credits(100),
    })
    // The call that was running settles late: what was kept for it pays.
    const { nowMs, lineage } = await snapshotOf()
    const answer = await parts.ledger.settle(
      {
        accountId,
        id: running,
        actual: credits(40),
        row: appRow,
        quantities: { units: 1, inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
        levels: [],
        detail: {} as never,
      },
      { lineage, nowMs, found: null },
    )
    expect(answer).toMatchObject({ status: 'settled', charged: credits(40) })
    expect(await snapshotOf()).toMatchObject({ quarantine: credits(60) })
    await recover()
    expect(await spentInAll()).toEqual(all(70))
    expect(drifts).toEqual([])
  })

  test('and comes back twice: a receipt that reached the journal late is found by the check', async () => {
    const { drain } = worker()
    await spendCredits(3)
    const shard = (
      await parts.ledger.pending(
        Array.from({ length: 256 }, (_, each) => each),
        { dirtyOlderThanMs: 0, perShard: 1 },
      )
    ).find(({ receipts }) => receipts > 0)!
    const late = await parts.ledger.receipts(shard.shard, 10)
    await parts.flush()
    await loader.load(accountId)
    const one = worker({ checkEveryMs: 0 })
    await recover(one)
    expect(await spentInAll()).toEqual(all(0))
    // A drainer that slept had read it before the loss.
    await parts.journal.storeReceipts(late.map(({ receipt }) => receipt))
    await drain()
    await recover(one)
    expect(await spentInAll()).toEqual(all(3))
    expect(drifts).toContainEqual(drifted('ledger_rows', 3))
  })
})
