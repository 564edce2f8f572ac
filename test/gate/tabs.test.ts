import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Micro, sum, toMicro, zero } from '../../credits/money.ts'
import type { Terms } from '../../credits/terms.ts'
import { shardOf } from '../../ledger/keys.ts'
import { type Ledger, LedgerUnavailable } from '../../ledger/ledger.ts'
import type { Clock } from '../../middleware/clock.ts'
import { createGate, type Gate, type Hold } from '../../middleware/gate.ts'
import { createOutbox, type Outbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import { detailOf, type GivenLedger, givenLedger, quantities, row } from '../ledger/given.ts'

let given: GivenLedger
let gate: Gate
let outbox: Outbox
let asked: Record<'reserve' | 'settle' | 'settleTogether', number>
/** What was asked and answered. */
let heard: typeof asked
let breaks: (operation: string) => boolean
/** As `breaks`, but the ledger never hears of it. */
let away: (operation: string) => boolean
let time: TurnedClock
let accounts = 0
let accountId: string
let calls = 0

beforeAll(async () => {
  given = await givenLedger()
})
afterAll(async () => {
  await given.stop()
})

beforeEach(async () => {
  asked = { reserve: 0, settle: 0, settleTogether: 0 }
  heard = { ...asked }
  breaks = () => false
  away = () => false
  accounts += 1
  accountId = `tabs-${accounts}`
  time = turnedClock(given.clock.nowMs() + 120_000)
  const counted = (operation: keyof typeof asked) =>
    (async (...request: readonly never[]) => {
      asked[operation] += 1
      if (away(operation)) throw new LedgerUnavailable('it was not reached')
      const answer = await (given.ledger[operation] as (...all: readonly never[]) => Promise<unknown>)(...request)
      // The ledger did it, and nobody hears of it
      if (breaks(operation)) throw new LedgerUnavailable('the answer was lost')
      heard[operation] += 1
      return answer
    }) as never
  const ledger: Ledger = {
    ...given.ledger,
    reserve: counted('reserve'),
    settle: counted('settle'),
    settleTogether: counted('settleTogether'),
  }
  const shared = {
    ledger,
    findCharge: async () => null,
    loadAccount: async () => 'loaded' as const,
    clock: time.clock,
  }
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-tabs-'))
  const store = await openStore({ folder, clock: time.clock, onEvent: () => undefined })
  outbox = await createOutbox({
    ...shared,
    store,
    journal: { findCharge: async () => null, settledAmong: async () => [] },
  })
  gate = createGate({ ...shared, outbox })
  return async () => {
    const closing = gate.close(1_000)
    await time.run()
    await closing
    await outbox.close(0)
    rmSync(folder, { recursive: true })
  }
})

const open = async (amount: number, levels: readonly `employee:${string}`[] = ['employee:ada']): Promise<Hold> => {
  calls += 1
  const wanted = { amount: toMicro(amount), minimum: toMicro(amount), ttlMs: 60_000 }
  const opened = await gate.open(
    { accountId, id: given.mint(`call-${calls}`), row, levels, ...wanted },
    { onTab: true },
  )
  if (!opened.ok) throw new Error(opened.refusal.kind)
  return opened.hold
}
const workOf = (actual: number) => ({ actual: toMicro(actual), row, quantities, detail: detailOf(0) })
const load = (change: Partial<Terms>) => given.load(accountId, change)
const account = async () => {
  const answer = await given.ledger.snapshot(accountId)
  if (answer.status !== 'loaded') throw new Error(answer.status)
  return answer
}
/** Two calls in a row, so that a tab is there for the next. */
const warmUp = async (amount: number): Promise<void> => {
  const holds = [await open(amount), await open(amount)]
  for (const hold of holds) hold.settle(workOf(0))
  await vi.waitFor(() => expect(asked.reserve).toBe(3))
  await Promise.all(holds.map((hold) => hold.settle(workOf(0)).settled))
}
const settleAll = async (holds: readonly Hold[], actual: number): Promise<readonly Micro[]> => {
  const settlings = holds.map((hold) => hold.settle(workOf(actual)))
  await Promise.all(settlings.map(({ noted }) => noted))
  await time.run(settlings.map(({ settled }) => settled))
  return Promise.all(settlings.map(async ({ settled }) => (await settled).charged))
}
const receipts = async () =>
  (await given.ledger.receipts(shardOf(accountId), 10_000)).filter(({ receipt }) => receipt.accountId === accountId)

test('calls that follow closely are admitted and settled without a word of their own to the ledger', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const before = { ...asked }
  const holds = await Promise.all(Array.from({ length: 4 }, () => open(100)))
  expect(await settleAll(holds, 30)).toEqual([30, 30, 30, 30])
  expect(asked.settle).toBe(before.settle)
  expect(asked.settleTogether - before.settleTogether).toBeLessThan(4)
  expect(await account()).toMatchObject({ spent: 120, held: 0 })
  expect((await receipts()).filter(({ receipt }) => receipt.charged === 30)).toHaveLength(4)
})

test('what a call does not need of its part is there for the next one', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const { reserve } = asked
  for (let call = 0; call < 40; call += 1) {
    const hold = await open(100)
    await hold.settle(workOf(1)).noted
  }
  expect(asked.reserve).toBe(reserve)
})

test('a call that needs more than its part is charged in full, and no other call pays for it', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const [dear, other] = [await open(100), await open(100)]
  await dear.settle(workOf(70_000)).noted
  await other.settle(workOf(100)).noted
  await time.run()
  expect(await dear.settle(workOf(0)).settled).toMatchObject({ charged: 70_000, uncollected: 0 })
  expect(await other.settle(workOf(0)).settled).toMatchObject({ charged: 100, uncollected: 0 })
  expect(await account()).toMatchObject({ spent: 70_100, held: 0 })
})

test('calls that come one by one have holds of their own', async () => {
  await load({ granted: toMicro(1_000_000) })
  for (let call = 0; call < 5; call += 1) {
    await settleAll([await open(100)], 1)
    time.pass(60)
  }
  expect(asked).toMatchObject({ reserve: 5, settle: 5, settleTogether: 0 })
})

test('near zero there are no tabs: what is there stays for whoever asks', async () => {
  await load({ granted: toMicro(3_000) })
  const holds = [await open(100), await open(100), await open(100)]
  await settleAll(holds, 1)
  expect(asked.settleTogether).toBe(0)
  expect(await account()).toMatchObject({ spent: 3, held: 0 })
})

test('near the limit of a budget there are none either', async () => {
  const budgets = [{ level: 'employee:ada', limit: toMicro(3_000), window: 'day', atLimit: 'pause' }] as const
  await load({ granted: toMicro(1_000_000), budgets })
  const holds = [await open(100), await open(100), await open(100)]
  await settleAll(holds, 1)
  expect(asked.settleTogether).toBe(0)
})

test('a tab counts in the budgets of its calls, and in no others', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const held = await open(100)
  const levels = (await account()).budgets.filter(({ held: holds }) => holds > 0)
  expect(levels.map(({ level }) => level)).toEqual(['employee:ada'])
  await settleAll([held], 10)
  const [level] = (await account()).budgets
  expect(level).toMatchObject({ spent: 10, held: 0 })
})

test('a tab that is a quarter of a second old admits nobody: the ledger is asked for what holds now', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  await settleAll([await open(100)], 1)
  await given.ledger.putTerms(accountId, { ...(await termsNow()), granted: toMicro(1) })
  time.pass(260)
  await expect(open(100)).rejects.toThrow(/insufficient_credits|credits_depleted/)
})

test('an idle tab gives everything back by itself', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  expect((await account()).held).toBeGreaterThan(0)
  time.pass(250)
  await vi.waitFor(async () => expect((await account()).held).toBe(0))
})

test('when the ledger has lost the tab its calls are settled alone, each once, and in full', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const holds = [await open(100), await open(100)]
  await given.redis.flushall()
  await given.clock.advance(0)
  await load({ granted: toMicro(1_000_000) })
  // Known for longer than clocks may differ: their births are still believed
  expect(await settleAll(holds, 25)).toEqual([25, 25])
  expect(await account()).toMatchObject({ spent: 50, held: 0 })
})

test('calls whose tab was expired by the sweeper are settled alone, each once', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const holds = [await open(100), await open(100)]
  await given.clock.advance(61_000)
  const [pending] = await given.ledger.pending([shardOf(accountId)], { dirtyOlderThanMs: 0, perShard: 9 })
  for (const name of pending!.due) await given.ledger.expire(name)
  expect(await settleAll(holds, 25)).toEqual([25, 25])
  expect(await account()).toMatchObject({ spent: 50, held: 0 })
})

test('settlements whose answer was lost are charged once', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const holds = [await open(100), await open(100)]
  breaks = (operation) => operation === 'settleTogether'
  expect(await settleAll(holds, 25)).toEqual([25, 25])
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 50, held: 0 }))
  expect((await receipts()).filter(({ receipt }) => receipt.charged === 25)).toHaveLength(2)
})

test('a company that the ledger did not hear is told again, and paid by its tab though nothing else is left', async () => {
  await load({ granted: toMicro(100_000) })
  await warmUp(100)
  const holds = [await open(100), await open(100)]
  const { held } = await account()
  const rest = { id: given.mint('all the rest'), amount: toMicro(100_000 - held), minimum: zero, ttlMs: 60_000 }
  await given.ledger.reserve({ accountId, row, levels: [], ...rest })
  let attempts = 0
  away = (operation) => operation === 'settleTogether' && (attempts += 1) <= 3
  expect(await settleAll(holds, 100)).toEqual([100, 100])
  expect(asked.settle).toBe(2)
})

test('one settlement that cannot be sent takes no other with it', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const [broken, sound] = [await open(100), await open(100)]
  const impossible = broken.settle({ ...workOf(25), quantities: { ...quantities, units: -1 } }).settled
  const { settled } = sound.settle(workOf(25))
  await time.run([settled])
  await expect(impossible).rejects.toThrow(RangeError)
  expect(await settled).toMatchObject({ charged: 25, uncollected: 0 })
})

test('a tab that admits nobody any more keeps only what its calls may need, however long they take', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const [short, long] = [await open(100), await open(100)]
  expect((await account()).held).toBeGreaterThan(200)
  time.pass(250)
  await vi.waitFor(async () => expect((await account()).held).toBe(200))
  expect(await settleAll([short], 30)).toEqual([30])
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 30, held: 100 }))
  expect(await settleAll([long], 100)).toEqual([100])
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 130, held: 0 }))
})

test('a tab that was granted long ago when its answer comes is used by nobody', async () => {
  await load({ granted: toMicro(1_000_000) })
  const first = await open(100)
  breaks = (operation) => {
    if (operation === 'reserve') time.pass(300)
    return false
  }
  const second = await open(100)
  await vi.waitFor(() => expect(heard.reserve).toBe(3))
  breaks = () => false
  const third = await open(100)
  expect(asked.reserve).toBe(4)
  expect(await settleAll([first, second, third], 1)).toEqual([1, 1, 1])
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 3, held: 0 }))
})

test('a gate that is closed has heard that its tabs are given back', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  await gate.settled()
  const before = { ...heard }
  await gate.close(1_000)
  expect(heard.settleTogether).toBe(before.settleTogether + 1)
  expect((await account()).held).toBe(0)
})

test('a hold on a tab that is left gives its part back', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const hold = await open(100)
  hold.leave()
  time.pass(250)
  await vi.waitFor(async () => expect((await account()).held).toBe(0))
})

test('a substitute that is dearer than a part gets a hold of its own', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const hold = await open(100)
  const { reserve } = asked
  expect(await hold.extend({ accrued: zero, more: toMicro(400) })).toEqual({ ok: true, held: 500 })
  expect(asked.reserve).toBe(reserve + 1)
  expect(await settleAll([hold], 450)).toEqual([450])
  time.pass(250)
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 450, held: 0 }))
})

test('a call is charged although the answer to its substitute’s hold was lost', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const hold = await open(100)
  breaks = (operation) => operation === 'reserve'
  expect(await hold.extend({ accrued: zero, more: toMicro(400) })).toMatchObject({ ok: false, held: 100 })
  breaks = () => false
  await vi.waitFor(async () => expect((await account()).held).toBeGreaterThanOrEqual(500))
  expect(await settleAll([hold], 90)).toEqual([90])
  time.pass(250)
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 90, held: 0 }))
})

test('a call that is settled while a substitute’s hold is opened ends its part once', async () => {
  await load({ granted: toMicro(1_000_000) })
  await warmUp(100)
  const hold = await open(100)
  const extended = hold.extend({ accrued: zero, more: toMicro(400) })
  expect(await settleAll([hold], 50)).toEqual([50])
  await extended
  time.pass(250)
  await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: 50, held: 0 }))
})

test(
  'no order of calls, pauses, lost answers and expiries loses a micro-credit or leaves one held',
  { timeout: 120_000 },
  async () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.record({ open: fc.integer({ min: 1, max: 300 }) }) },
        { weight: 6, arbitrary: fc.record({ settle: fc.nat(5), actual: fc.integer({ min: 0, max: 400 }) }) },
        { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(5, 10, 130, 260) }) },
        { weight: 1, arbitrary: fc.record({ lose: fc.boolean() }) },
        { weight: 1, arbitrary: fc.record({ expire: fc.constant(true) }) },
      ),
      { minLength: 10, maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        accounts += 1
        accountId = `tabs-${accounts}`
        await load({ granted: toMicro(100_000) })
        time.pass(120_000)
        breaks = () => false
        const holds: Hold[] = []
        const actuals: Micro[] = []
        const settled: Promise<unknown>[] = []
        const end = (hold: Hold, actual: number): void => {
          actuals.push(toMicro(actual))
          settled.push(hold.settle(workOf(actual)).settled)
        }
        for (const one of sequence) {
          if ('open' in one) holds.push(await open(one.open))
          else if ('settle' in one) {
            const [hold] = holds.splice(one.settle, 1)
            if (hold !== undefined) end(hold, one.actual)
          } else if ('pass' in one) time.pass(one.pass)
          else if ('lose' in one) breaks = (operation) => one.lose && operation === 'settleTogether'
          else {
            await given.clock.advance(61_000)
            time.pass(61_000)
          }
        }
        breaks = () => false
        for (const hold of holds) end(hold, 7)
        await time.run(settled)
        await Promise.all(settled)
        time.pass(300)
        await vi.waitFor(async () => expect(await account()).toMatchObject({ spent: sum(actuals), held: 0 }))
      }),
      { numRuns: 40 },
    )
  },
)

async function termsNow(): Promise<Terms> {
  const { termsOf } = await import('../ledger/given.ts')
  return termsOf({ version: 2 })
}

interface TurnedClock {
  readonly clock: Clock
  /** So much time passes at once. */
  pass(ms: number): void
  /** Time passes until nobody sleeps any more but for what repeats, and these are over. */
  run(until?: readonly Promise<unknown>[]): Promise<void>
}

/** The process' clock, turned by the test. */
function turnedClock(startMs: number): TurnedClock {
  let nowMs = startMs
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = []
  const pass = (ms: number): void => {
    nowMs += ms
    const due = sleepers.filter(({ atMs }) => atMs <= nowMs)
    sleepers = sleepers.filter(({ atMs }) => atMs > nowMs)
    for (const { wake } of due) wake()
  }
  return {
    clock: {
      now: () => nowMs,
      sleep: (ms) => new Promise((wake) => sleepers.push({ atMs: nowMs + ms, wake })),
      every: () => () => undefined,
    },
    pass,
    async run(until = []) {
      let over = until.length === 0
      void Promise.all(until).then(() => (over = true))
      for (let quiet = 0; quiet < 20 || !over;) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        quiet = sleepers.length === 0 ? quiet + 1 : 0
        pass(50)
      }
    },
  }
}
