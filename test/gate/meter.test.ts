import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { accountKeys, shardOf } from '../../ledger/keys.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { createGate } from '../../middleware/gate.ts'
import { createMeters, type Metered, type MeteredWork, type Meters } from '../../middleware/meter.ts'
import { createOutbox, type Outbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import { type GivenLedger, givenLedger } from '../ledger/given.ts'
import { until } from '../stack/until.ts'

const minute = 60_000
const row = {
  category: 'compute_runtime',
  tier: '',
  model: '',
  item: '',
  employee: 'ada',
  organization: 'lab',
} as const

let given: GivenLedger
let accounts = 0
const folder = mkdtempSync(join(tmpdir(), 'tollgate-meter-'))
const outboxes: Outbox[] = []

beforeAll(async () => {
  given = await givenLedger({ depletedBelow: toMicro(10_000) })
})
afterEach(async () => {
  for (const outbox of outboxes.splice(0)) await outbox.close(0)
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await given.stop()
})

/** An account with so many credits. */
async function account(credits: number): Promise<string> {
  const accountId = `metered-${(accounts += 1)}`
  await given.load(accountId, { granted: creditsToMicro(credits) })
  return accountId
}

interface TestWorker {
  readonly meters: Meters
  readonly outbox: Outbox
  /** Its timers go off: renewals, and the end of what is idle. */
  tick(): Promise<void>
  /** What it tells the ledger from now on is lost. */
  cutOff(): void
  /** And from now on it is heard again. */
  reach(): void
  /** The ledger does it, and this worker does not hear so. */
  loseNextAnswerOf(operation: string): void
  /** What it waits with comes when the answer is called. */
  keepAsleep(): () => void
  /** Runs `meanwhile` each time before the ledger hears of `operation`. */
  before(operation: string, meanwhile: () => Promise<void>): void
}

/** A process of its own: its own lease, its own outbox, timers that the test turns. */
async function worker(): Promise<TestWorker> {
  const ticks = new Set<() => void>()
  let reaches = true
  let sleeping: Promise<void> | null = null
  let lost = ''
  const meanwhiles = new Map<string, () => Promise<void>>()
  const clock = {
    now: () => given.clock.nowMs(),
    sleep: () => sleeping ?? new Promise<void>((resolve) => setImmediate(resolve)),
    every: (_ms: number, tick: () => void) => {
      ticks.add(tick)
      return () => void ticks.delete(tick)
    },
  }
  const ledger = new Proxy(given.ledger, {
    get(target, name, receiver) {
      const found: unknown = Reflect.get(target, name, receiver)
      if (typeof found !== 'function') return found
      return async (...args: unknown[]) => {
        if (!reaches) throw new LedgerUnavailable('cut off')
        await meanwhiles.get(String(name))?.()
        const answer = (await Reflect.apply(found, target, args)) as unknown
        if (lost !== name) return answer
        lost = ''
        throw new LedgerUnavailable('the answer was lost')
      }
    },
  })
  const findCharge = () => Promise.resolve(null)
  const loadAccount = () => Promise.resolve('unknown' as const)
  const outbox = await createOutbox({
    store: await openStore({
      folder: join(folder, `worker-${outboxes.length}-${accounts}`),
      clock,
      onEvent: () => undefined,
    }),
    ledger,
    journal: { findCharge, settledAmong: async () => [] },
    loadAccount,
    clock,
    onEvent: () => undefined,
  })
  outboxes.push(outbox)
  const gate = createGate({ ledger, findCharge, loadAccount, clock, outbox })
  const meters = createMeters({ ledger, gate, clock })
  return {
    meters,
    outbox,
    async tick() {
      for (const tick of ticks) tick()
      // What a tick does takes some turns of its own queue.
      await meters.run(metered('nobody', 'nothing'))
    },
    cutOff: () => (reaches = false),
    reach: () => (reaches = true),
    keepAsleep() {
      const asleep = Promise.withResolvers<void>()
      sleeping = asleep.promise
      return () => {
        sleeping = null
        asleep.resolve()
      }
    },
    loseNextAnswerOf: (operation) => (lost = operation),
    before: (operation, meanwhile) => void meanwhiles.set(operation, meanwhile),
  }
}

function metered(accountId: string, meter: string): Metered {
  return {
    accountId,
    meter,
    perMinute: creditsToMicro(1),
    row,
    levels: [],
    detail: { messageId: 'message-1', task: '', purpose: '', catalogueVersion: 'c', priceVersion: 'p' },
  }
}

async function begun(from: TestWorker, accountId: string, meter = 'run'): Promise<MeteredWork> {
  const answer = await from.meters.run(metered(accountId, meter))
  if (!answer.ok) throw new Error(`refused: ${answer.refusal.kind}`)
  return answer.work
}

const refusalOf = async (from: TestWorker, accountId: string, meter = 'run'): Promise<string> => {
  const answer = await from.meters.run(metered(accountId, meter))
  return answer.ok ? 'begun' : answer.refusal.kind
}

async function receiptsOf(accountId: string): Promise<readonly Receipt[]> {
  const entries = await given.ledger.receipts(shardOf(accountId), 1_000)
  return entries.map(({ receipt }) => receipt).filter((receipt) => receipt.accountId === accountId)
}

const figures = async (accountId: string) => {
  const answer = await given.ledger.read(accountId)
  if (answer.status !== 'loaded') throw new Error('not loaded')
  return answer
}

test('side by side counts once, waiting not at all, and one receipt tells of it', async () => {
  const accountId = await account(100)
  const one = await worker()
  const other = await worker()
  const first = await begun(one, accountId)
  await given.clock.advance(10_000)
  const second = await begun(other, accountId)
  const third = await begun(one, accountId)
  await given.clock.advance(10_000)
  await first.stop()
  await third.stop()
  await given.clock.advance(10_000)
  await second.stop()
  await other.tick()
  await until(async () => (await receiptsOf(accountId)).length === 1)
  expect(await receiptsOf(accountId)).toMatchObject([
    {
      charged: creditsToMicro('0.5'),
      uncollected: 0,
      quantities: { units: 30_000 },
      row: 'compute_runtime||||ada|lab',
      detail: { messageId: 'message-1', durationMs: 30_000, lines: [{ quantity: 30_000, unit: 'ms' }] },
    },
  ])
  expect(await figures(accountId)).toMatchObject({ held: 0, spent: creditsToMicro('0.5') })
})

test('work that follows at once is on the same receipt, and the time between is free', async () => {
  const accountId = await account(100)
  const only = await worker()
  for (let turn = 0; turn < 3; turn += 1) {
    const work = await begun(only, accountId)
    await given.clock.advance(1_000)
    await work.stop()
    await given.clock.advance(2_000)
  }
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ quantities: { units: 3_000 }, charged: toMicro(50_000) }])
})

test('long work is receipted every five minutes, to the ms', async () => {
  const accountId = await account(100)
  const only = await worker()
  const work = await begun(only, accountId)
  for (let passed = 0; passed < 12 * minute; passed += 10_000) {
    await given.clock.advance(10_000)
    await only.tick()
  }
  await work.stop()
  await only.tick()
  await until(async () => (await figures(accountId)).held === 0)
  const receipts = await receiptsOf(accountId)
  expect(receipts.map(({ charged }) => charged)).toEqual([5, 5, 2].map((credits) => creditsToMicro(credits)))
  expect(new Set(receipts.map(({ id }) => id)).size).toBe(3)
})

test('what runs is held while it runs: a killed worker pays what it had used, and no more than its lease', async () => {
  const accountId = await account(100)
  const dying = await worker()
  await begun(dying, accountId)
  await given.clock.advance(10_000)
  await dying.tick()
  dying.cutOff()
  await given.clock.advance(10 * minute)
  const [due] = (await given.ledger.pending([shardOf(accountId)], { dirtyOlderThanMs: 0, perShard: 10 })).flatMap(
    (shard) => shard.due.filter((hold) => hold.accountId === accountId),
  )
  expect(await given.ledger.expire(due!)).toEqual({ status: 'expired', charged: toMicro(166_667) })
  // Whoever runs under the meter next corrects it to the end of the lease.
  const next = await worker()
  const work = await begun(next, accountId)
  await work.stop()
  await next.tick()
  await until(async () => (await figures(accountId)).held === 0)
  const { spent } = await figures(accountId)
  expect(spent).toBe(creditsToMicro('0.666667'))
})

test('at zero nothing new begins, what runs is finished, and nothing is charged beyond the balance', async () => {
  const accountId = await account(1)
  const only = await worker()
  const work = await begun(only, accountId)
  for (let passed = 0; passed < 2 * minute; passed += 10_000) {
    await given.clock.advance(10_000)
    await only.tick()
  }
  expect(await refusalOf(only, accountId)).toBe('credits_depleted')
  await work.stop()
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ charged: creditsToMicro(1), uncollected: creditsToMicro(1) }])
  expect(await refusalOf(only, accountId)).toBe('credits_depleted')
  expect(await refusalOf(await worker(), accountId, 'another-run')).toBe('credits_depleted')
})

test('near zero time holds a part of what there is, and leaves the rest to what is done in it', async () => {
  const accountId = await account(0.8)
  const only = await worker()
  const work = await begun(only, accountId)
  const held = async () => {
    const reading = await given.ledger.read(accountId)
    return reading.status === 'loaded' ? reading.held : undefined
  }
  expect(await held()).toBe(creditsToMicro('0.1'))
  // For the time until the next renewal, as far as there is enough
  await given.clock.advance(10_000)
  await only.tick()
  expect(await held()).toBeGreaterThanOrEqual(creditsToMicro('0.3'))
  expect(await held()).toBeLessThan(creditsToMicro('0.5'))
  await work.stop()
  // What such an account must have for a step of so much: that, and an eighth of all
  expect(only.meters.setsAside(creditsToMicro(1), creditsToMicro('0.7'))).toBe(creditsToMicro('0.1'))
  expect(only.meters.setsAside(creditsToMicro(1), creditsToMicro(100))).toBe(creditsToMicro(1))
})

test('what a run holds by itself is there for its next work', async () => {
  const accountId = await account(0.5)
  const only = await worker()
  for (let turn = 0; turn < 3; turn += 1) {
    const work = await begun(only, accountId)
    await given.clock.advance(2_000)
    await work.stop()
  }
  await begun(only, accountId)
  for (let passed = 0; passed < 30_000; passed += 10_000) {
    await given.clock.advance(10_000)
    await only.tick()
  }
  expect(await refusalOf(only, accountId)).toBe('credits_depleted')
})

test('work that follows does not wait for the ledger, as long as what is held covers another lease', async () => {
  const accountId = await account(100)
  const only = await worker()
  await (await begun(only, accountId)).stop()
  await given.clock.advance(3_000)
  const answer = Promise.withResolvers<void>()
  only.before('measure', () => answer.promise)
  const second = await begun(only, accountId)
  const third = await begun(only, accountId)
  await given.clock.advance(20_000)
  answer.resolve()
  const told = second.stop()
  await third.stop()
  await told
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ quantities: { units: 20_000 } }])
})

test('what is held does not cover another lease: the ledger is asked, and more is held', async () => {
  const accountId = await account(100)
  const only = await worker()
  let extended = 0
  only.before('extend', async () => void (extended += 1))
  for (let turn = 0; turn < 2; turn += 1) {
    const work = await begun(only, accountId)
    await given.clock.advance(16_000)
    await work.stop()
  }
  expect(extended).toBe(2)
  await begun(only, accountId)
  expect(extended).toBe(3)
  expect(await figures(accountId)).toMatchObject({ held: toMicro(1_533_334) })
})

test('of short work the ledger hears once, and its time is on the receipt', async () => {
  const accountId = await account(100)
  const only = await worker()
  await (await begun(only, accountId)).stop()
  let told = 0
  only.before('measure', async () => void (told += 1))
  for (let turn = 1; turn <= 3; turn += 1) {
    const wake = only.keepAsleep()
    const work = await begun(only, accountId)
    await given.clock.advance(500)
    const stopped = work.stop()
    wake()
    await stopped
    await given.clock.advance(1_000)
    expect(told).toBe(turn)
  }
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ quantities: { units: 1_500 } }])
})

test('a begin that the ledger did not hear is told again, from when it was; until then nothing begins unasked', async () => {
  const accountId = await account(100)
  const only = await worker()
  await (await begun(only, accountId)).stop()
  only.cutOff()
  const work = await begun(only, accountId)
  await only.tick()
  expect(await refusalOf(only, accountId)).toBe('ledger_unavailable')
  await given.clock.advance(20_000)
  only.reach()
  await only.tick()
  await given.clock.advance(5_000)
  await work.stop()
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ quantities: { units: 25_000 } }])
})

test('where the segment has ended elsewhere, at zero, what began unasked is done, receipted as uncollected, and the last', async () => {
  const accountId = await account(100)
  const only = await worker()
  await (await begun(only, accountId)).stop()
  const other = await worker()
  await (await begun(other, accountId)).stop()
  await other.meters.close()
  await other.outbox.idle()
  const id = given.mint('all')
  const amount = creditsToMicro(200)
  await given.ledger.reserve({ accountId, id, amount, minimum: toMicro(1), ttlMs: minute, row, levels: [] })
  const work = await begun(only, accountId)
  await given.clock.advance(6_000)
  await only.tick()
  await given.clock.advance(6_000)
  expect(await refusalOf(only, accountId)).toBe('insufficient_credits')
  await work.stop()
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect((await receiptsOf(accountId)).filter(({ quantities }) => quantities.units > 0)).toMatchObject([
    { charged: 0, uncollected: toMicro(200_000), quantities: { units: 12_000 } },
  ])
})

test('work that begins at the end of other work is told after it, and the time between is free', async () => {
  const accountId = await account(100)
  const only = await worker()
  const first = await begun(only, accountId)
  await given.clock.advance(1_000)
  const told = first.stop()
  await given.clock.advance(2_000)
  const second = await begun(only, accountId)
  await given.clock.advance(1_000)
  await second.stop()
  await told
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ quantities: { units: 2_000 } }])
})

test('without the ledger nothing begins', async () => {
  const only = await worker()
  only.cutOff()
  expect(await refusalOf(only, await account(1))).toBe('ledger_unavailable')
})

test('a process that ends settles what it ran', async () => {
  const accountId = await account(10)
  const only = await worker()
  await begun(only, accountId)
  await given.clock.advance(6_000)
  await only.meters.close()
  await only.outbox.idle()
  expect(await receiptsOf(accountId)).toMatchObject([{ charged: toMicro(100_000) }])
  expect(await figures(accountId)).toMatchObject({ held: 0 })
})

test('one whose reserve is lost does not take the hold of those who run', async () => {
  const accountId = await account(100)
  const running = await worker()
  const work = await begun(running, accountId)
  await given.clock.advance(10_000)
  const joining = await worker()
  joining.loseNextAnswerOf('reserve')
  expect(await refusalOf(joining, accountId)).toBe('ledger_unavailable')
  await joining.tick()
  for (let passed = 0; passed < minute; passed += 10_000) {
    await given.clock.advance(10_000)
    await running.tick()
  }
  await work.stop()
  await running.tick()
  await until(async () => (await figures(accountId)).held === 0)
  expect(await figures(accountId)).toMatchObject({ spent: toMicro(1_166_667) })
})

test('what runs on at zero without a hold is receipted too, as uncollected', async () => {
  const accountId = await account(5)
  const only = await worker()
  const work = await begun(only, accountId)
  for (let passed = 0; passed < 7 * minute; passed += 10_000) {
    await given.clock.advance(10_000)
    await only.tick()
  }
  await work.stop()
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length === 2)
  const receipts = await receiptsOf(accountId)
  expect(receipts.map(({ charged }) => charged)).toEqual([creditsToMicro(5), 0])
  expect(receipts[1]!.uncollected).toBe(creditsToMicro(2))
})

test('renewals that are not answered do not make the hold grow', async () => {
  const accountId = await account(100)
  const only = await worker()
  await begun(only, accountId)
  for (let passed = 0; passed < 4 * minute; passed += 10_000) {
    await given.clock.advance(10_000)
    if (passed % 20_000 === 0) only.loseNextAnswerOf('extend')
    await only.tick()
  }
  // Four minutes, a minute ahead, and what the last lost answer granted.
  expect((await figures(accountId)).held).toBeLessThanOrEqual(creditsToMicro(6))
})

test('a start that is refused is not billed, however long the refusal took', async () => {
  const accountId = await account(10)
  await (await begun(await worker(), accountId, 'spends')).stop()
  const poor = await account(0)
  const slow = await worker()
  slow.before('reserve', () => given.clock.advance(2_000))
  for (let turn = 0; turn < 3; turn += 1) expect(await refusalOf(slow, poor)).toBe('credits_depleted')
  await slow.tick()
  await slow.meters.close()
  await slow.outbox.idle()
  expect(await receiptsOf(poor)).toEqual([])
})

test('a Redis that was flushed under what runs loses no more than the last renewal', async () => {
  const accountId = await account(100)
  const only = await worker()
  const work = await begun(only, accountId)
  for (let passed = 0; passed < 2 * minute; passed += 10_000) {
    await given.clock.advance(10_000)
    await only.tick()
  }
  await given.redis.del(accountKeys(accountId).meter('run'))
  await given.clock.advance(10_000)
  await only.tick()
  await given.clock.advance(10_000)
  await work.stop()
  await only.tick()
  await until(async () => (await figures(accountId)).held === 0)
  expect((await figures(accountId)).spent).toBeGreaterThanOrEqual(creditsToMicro(2))
})

test('an end that the ledger did not hear is told again', async () => {
  const accountId = await account(10)
  const only = await worker()
  const work = await begun(only, accountId)
  await given.clock.advance(6_000)
  only.loseNextAnswerOf('measure')
  await work.stop()
  await given.clock.advance(2 * minute)
  await only.tick()
  await until(async () => (await receiptsOf(accountId)).length > 0)
  expect(await receiptsOf(accountId)).toMatchObject([{ kind: 'settled', charged: toMicro(100_000) }])
})

test('nothing begins in a process that ends', async () => {
  const accountId = await account(10)
  const only = await worker()
  const work = await begun(only, accountId)
  const closing = only.meters.close()
  expect(await refusalOf(only, accountId)).toBe('ledger_unavailable')
  await closing
  await work.stop()
  expect(await figures(accountId)).toMatchObject({ held: 0 })
})

describe('an end that the ledger has not heard of', () => {
  /** The segment of this process, held for and at rest: what follows begins without asking. */
  async function atRest(from: TestWorker): Promise<string> {
    const accountId = await account(100)
    await (await begun(from, accountId)).stop()
    return accountId
  }
  async function billed(from: TestWorker, accountId: string): Promise<number> {
    await until(async () => {
      await from.tick()
      return (await receiptsOf(accountId)).some(({ quantities }) => quantities.units > 0)
    })
    return (await receiptsOf(accountId)).reduce((sum, { quantities }) => sum + quantities.units, 0)
  }

  test('is told again with when it was, begin and all, once the ledger answers', async () => {
    const only = await worker()
    const accountId = await atRest(only)
    const wake = only.keepAsleep()
    const work = await begun(only, accountId)
    await given.clock.advance(8_000)
    only.cutOff()
    const stopped = work.stop()
    wake()
    await stopped
    await given.clock.advance(40_000)
    only.reach()
    expect(await billed(only, accountId)).toBe(8_000)
  })

  test('is told at once when the ledger answers again at once, and not only when its lease is over', async () => {
    const only = await worker()
    const accountId = await account(100)
    const work = await begun(only, accountId)
    await given.clock.advance(9_000)
    only.cutOff()
    await work.stop()
    only.reach()
    expect(await billed(only, accountId)).toBe(9_000)
  })

  test('whose answer was lost is counted once, and the time until the next work is free', async () => {
    const only = await worker()
    const accountId = await atRest(only)
    const wake = only.keepAsleep()
    const first = await begun(only, accountId)
    await given.clock.advance(2_000)
    only.loseNextAnswerOf('measure')
    const stopped = first.stop()
    wake()
    await stopped
    await given.clock.advance(8_000)
    const second = await begun(only, accountId)
    await given.clock.advance(1_000)
    await second.stop()
    expect(await billed(only, accountId)).toBe(3_000)
  })

  test('since other work was being refused meanwhile is an end all the same', async () => {
    const only = await worker()
    const accountId = await account(100)
    const work = await begun(only, accountId)
    await given.clock.advance(9_000)
    only.cutOff()
    await only.tick()
    const second = only.meters.run(metered(accountId, 'run'))
    const stopped = work.stop()
    expect(await second).toMatchObject({ ok: false, refusal: { kind: 'ledger_unavailable' } })
    await stopped
    await given.clock.advance(5_000)
    only.reach()
    expect(await billed(only, accountId)).toBe(9_000)
  })
})

test('what was not heard of an accrual is told again at the end', async () => {
  const only = await worker()
  const accountId = await account(100)
  const work = await begun(only, accountId)
  let told = 0
  only.before('extend', async () => void (told += 1))
  await given.clock.advance(10_000)
  only.loseNextAnswerOf('extend')
  await only.tick()
  await until(async () => told === 1)
  await given.clock.advance(500)
  await work.stop()
  await until(async () => told === 2)
  expect(told).toBe(2)
})

test('nothing begins once the process ends', async () => {
  const only = await worker()
  const accountId = await account(100)
  await only.meters.close()
  expect(await refusalOf(only, accountId)).toBe('ledger_unavailable')
})

test('a meter that Redis has lost before the work stops is settled with what the process knew of it', async () => {
  const only = await worker()
  const accountId = await account(100)
  const work = await begun(only, accountId)
  const key = accountKeys(accountId).meter('run')
  const counted = async (): Promise<number> =>
    (JSON.parse((await given.redis.get(key)) ?? '{}') as { ms?: number }).ms ?? 0
  for (let count = 1; count <= 4; count += 1) {
    await given.clock.advance(10_000)
    await only.tick()
    await until(async () => (await counted()) === count * 10_000)
  }
  await given.redis.del(key)
  await given.clock.advance(3_000)
  await work.stop()
  await until(async () => {
    await only.tick()
    return (await receiptsOf(accountId)).length > 0
  })
  const billed = (await receiptsOf(accountId)).reduce((sum, { quantities }) => sum + quantities.units, 0)
  expect(billed).toBeGreaterThanOrEqual(30_000)
  expect(billed).toBeLessThanOrEqual(43_000)
})
