import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { creditsToMicro, type Micro, zero } from '../../credits/money.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'
import type { Work } from '../../middleware/gate.ts'
import { type Booking, createBookings, type Job } from '../../middleware/temporal/bookings.ts'
import { idOf } from '../../middleware/temporal/charge-key.ts'
import { detailOf, type Occasion, rowOf } from '../../middleware/temporal/price-work.ts'
import { until } from '../stack/until.ts'
import { catalogue, type Charging, openCharging } from './charging.ts'

let charging: Charging
/** What a sweeper sees. */
let ledger: Ledger

beforeAll(async () => {
  charging = await openCharging(inject('redisUrl'))
  ledger = createLedger(await connectRedis(inject('redisUrl')), catalogue.policies)
})
afterAll(async () => {
  await charging?.close()
  await ledger?.close()
})

const price = creditsToMicro('0.05')
const occasion: Occasion = {
  who: { account: '', organization: '', employee: '', message: '' },
  task: '',
  startedAtMs: 0,
  durationMs: 0,
  outcome: 'finished',
}
const detail = detailOf(catalogue, 'sendMail', occasion, [])
const row = rowOf('tool_calls', 'connected_app', occasion.who)
const work: Work = { actual: price, row, quantities: { ...noQuantities, units: 1 }, detail }
const jobOf = (accountId: string, amount: Micro = price): Job => ({
  name: 'sendMail',
  accountId,
  bornMs: Date.now(),
  path: [randomUUID(), '1'],
  amount,
  row,
  levels: [],
})

/** Bookings as another worker has them: it remembers nothing of what this one did. */
const worker = (holdMs = 60_000) =>
  createBookings({ charges: charging.charges, clock: systemClock, events: { tell: () => undefined }, holdMs })

async function begun(bookings: ReturnType<typeof worker>, job: Job): Promise<Booking> {
  const answer = await bookings.open(job)
  if (answer.status !== 'open') throw new Error(`not open: ${answer.status}`)
  return answer.booking
}

const charges = async (accountId: string) =>
  (await charging.receipts(accountId)).map(({ charged }) => charged).filter((charged) => charged > 0)

test('an attempt that was overtaken and fails leaves the success of the other its charge', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  const overtaken = await begun(worker(), job)
  const second = await begun(worker(), job)
  await overtaken.fail(detail)
  await second.finish(work)
  expect(await charges(account)).toEqual([price])
  expect(await worker().open(job)).toEqual({ status: 'paid' })
})

test('two attempts that both succeed are one charge', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  const [one, other] = [await begun(worker(), job), await begun(worker(), job)]
  await Promise.all([one.finish(work), other.finish(work)])
  expect(await charges(account)).toEqual([price])
})

test.each(['the one cut off', 'its successor'])(
  'an attempt whose ordinal was closed at zero by its successor is the same charge: %s ends first',
  async (first) => {
    const account = await charging.openAccount(10)
    const job = jobOf(account)
    const cutOff = await begun(worker(), job)
    // As if its hold had expired: whoever comes next finds the ordinal spent and passes it by
    await (await begun(worker(), job)).fail(detail)
    const successor = await begun(worker(), job)
    const [one, other] = first === 'its successor' ? [successor, cutOff] : [cutOff, successor]
    await one.finish(work)
    await until(async () => (await charging.remaining(account)) === 9_950_000)
    await other.finish(work)
    expect(await charges(account)).toEqual([price])
  },
)

/** An attempt whose worker was cut off for longer than its hold lasts. */
async function expired(job: Job) {
  const { accountId, amount, levels } = job
  const id = idOf({ ...job, ordinal: 0 })
  const answer = await charging.charges.open({ accountId, id, amount, minimum: amount, ttlMs: 1, row, levels })
  if (!answer.ok) throw new Error(answer.refusal.kind)
  await until(async () => (await ledger.expire({ accountId, id })).status === 'expired')
  return answer.hold
}

test('a hold that expired is passed by, and what its worker settles late is not charged beside the success', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  const hold = await expired(job)
  await (await begun(worker(), job)).finish(work)
  expect((await hold.settle(work).settled).charged).toBe(0)
  expect(await charges(account)).toEqual([price])
})

test('a hold that expired and was settled late all the same has paid for the next attempt', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  const hold = await expired(job)
  await hold.settle(work).settled
  expect(await worker().open(job)).toEqual({ status: 'paid' })
  expect(await charges(account)).toEqual([price])
})

test('each worker finds the ordinal that is open, past any number of failures', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  for (let attempt = 0; attempt < 5; attempt++) await (await begun(worker(), job)).fail(detail)
  expect(await charging.remaining(account)).toBe(10_000_000)
  await (await begun(worker(), job)).finish(work)
  expect(await charges(account)).toEqual([price])
})

test('what was recorded unasked while another attempt failed is charged once', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  await (await begun(worker(), job)).fail(detail)
  await worker().unasked(job).finish(work)
  expect(await charges(account)).toEqual([price])
  expect(await worker().open(job)).toEqual({ status: 'paid' })
})

test('a hold is renewed for as long as the work takes', async () => {
  const account = await charging.openAccount(10)
  const job = jobOf(account)
  const extended = Promise.withResolvers<void>()
  const { open, settle } = charging.charges
  const bookings = createBookings({
    charges: {
      settle,
      async open(request) {
        const answer = await open(request)
        if (!answer.ok) return answer
        const { hold } = answer
        const extend: typeof hold.extend = async (extension) => {
          const answered = await hold.extend(extension)
          if (answered.ok && extension.more === zero) extended.resolve()
          return answered
        }
        const { granted, epoch } = hold
        const settle: typeof hold.settle = (done) => hold.settle(done)
        return { ok: true, hold: { granted, epoch, extend, settle, leave: () => hold.leave() } }
      },
    },
    clock: systemClock,
    events: { tell: () => undefined },
    holdMs: 300,
  })
  const booking = await begun(bookings, job)
  await extended.promise
  await booking.finish(work)
  expect(await charges(account)).toEqual([price])
})
