import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import type { Journal } from '../../journal/journal.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { type Ledger, LedgerUnavailable } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import { until } from '../stack/until.ts'
import { contentOf, type GivenOutbox, givenOutbox, type Opened, quick, segmentsIn } from './given.ts'

let given: GivenOutbox
beforeAll(async () => {
  given = await givenOutbox()
})
afterAll(() => given.close())

const credit = 1_000_000
/** Nothing is asked or sent again because of its age. */
const onlyWhenTold = { tickMs: 25, askAfterMs: [3_600_000], replayAfterMs: 3_600_000 }
const empty = ({ outbox }: Opened): Promise<unknown> => until(async () => outbox.figures().entries === 0)
const replayed = ({ events }: Opened): Promise<unknown> =>
  until(async () => events.some(({ kind }) => kind === 'replayed'))

/** The folder as another process would find it if this one were killed now. */
function copyOf(folder: string): string {
  const copy = given.folder()
  cpSync(folder, copy, { recursive: true })
  for (const name of readdirSync(copy)) rmSync(join(copy, name, 'owner'), { force: true })
  return copy
}

describe('a settlement', () => {
  it('is on disk before it is sent', async () => {
    const folder = given.folder()
    let onDisk = ''
    const ledger: Ledger = {
      ...given.ledger,
      settle: (...sent) => {
        onDisk = contentOf(folder)
        return given.ledger.settle(...sent)
      },
    }
    const { outbox } = await given.open({ folder, change: { ledger } })
    const account = await given.account(1)
    const work = await given.reserve(given.work(account, 30), 100)
    expect(await outbox.settle(work).settled).toMatchObject({ charged: 30 })
    expect(onDisk).toContain(work.id)
  })

  it('leaves the disk when the journal has it, not before', async () => {
    const folder = given.folder()
    const opened = await given.open({ folder })
    const account = await given.account(1)
    await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    await replayed(opened)
    expect(opened.outbox.figures()).toMatchObject({ entries: 1 })
    await given.drain(account)
    await empty(opened)
    await until(async () => segmentsIn(folder).length === 0)
    expect(await given.remaining(account)).toBe(credit - 30)
  })

  it('stays while the journal is away, and leaves when it is back', async () => {
    let isAway = true
    const journal: Pick<Journal, 'findCharge' | 'settledAmong'> = {
      findCharge: (...asked) => given.journal.findCharge(...asked),
      settledAmong: (asked) =>
        isAway ? Promise.reject(new JournalUnavailable('away')) : given.journal.settledAmong(asked),
    }
    const opened = await given.open({ change: { journal } })
    const account = await given.account(1)
    await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    await given.drain(account)
    await until(async () => opened.events.some(({ kind }) => kind === 'journal_away'))
    expect(opened.outbox.figures()).toMatchObject({ entries: 1 })
    isAway = false
    await empty(opened)
  })

  it('that the ledger lost is sent again as soon as the account is back', async () => {
    const opened = await given.open({ change: { times: onlyWhenTold } })
    given.loader.onHydrated((accountId) => opened.outbox.accountHydrated(accountId))
    const account = await given.account(1)
    await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    await given.redis.flushall()
    await given.loader.load(account)
    expect(await given.remaining(account)).toBe(credit)
    await until(async () => (await given.remaining(account)) === credit - 30)
  })

  it('that the ledger lost is sent again at once when Redis is another one', async () => {
    const opened = await given.open({ change: { times: onlyWhenTold } })
    const account = await given.account(1)
    await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    await given.loseRedis()
    await until(async () => opened.events.some(({ kind }) => kind === 'ledger_changed'))
    await replayed(opened)
    expect(await given.remaining(account)).toBe(credit - 30)
  })

  it('that the ledger lost is sent again within a minute, however old it is, when another gateway has loaded its account', async () => {
    const folder = given.folder()
    const account = await given.account(1)
    const anHourAgo = { ...systemClock, now: () => Date.now() - 3_600_000 }
    const before = await given.open({ folder, change: { clock: anHourAgo, times: onlyWhenTold } })
    await before.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    // A minute is 50 ms here.
    const opened = await given.open({
      folder: copyOf(folder),
      change: { times: { ...quick, replayAtLeastEveryMs: 50 } },
    })
    await replayed(opened)
    await given.redis.flushall()
    await given.loader.load(account)
    await until(async () => (await given.remaining(account)) === credit - 30)
    expect(await given.drain(account)).toBe(1)
    await empty(opened)
  })

  it('is watched over while one master of a Cluster does not say who it is', async () => {
    const asked: string[] = []
    let life: string | null = 'one'
    const ledger: Ledger = {
      ...given.ledger,
      identity: async () => {
        asked.push(life ?? 'away')
        if (life === null) throw new LedgerUnavailable('one master is away')
        return life
      },
    }
    const changes = () => opened.events.filter(({ kind }) => kind === 'ledger_changed').length
    const askedNow = (name: string) => until(async () => asked.slice(-2).every((each) => each === name))
    const opened = await given.open({ change: { ledger } })
    const account = await given.account(1)
    await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    life = null
    await askedNow('away')
    await given.drain(account)
    await empty(opened)
    life = 'one'
    await askedNow('one')
    expect(changes()).toBe(0)
    life = null
    await askedNow('away')
    life = 'two'
    await until(async () => changes() === 1)
  })

  it('of a lease that ran out long ago puts right what was charged then', async () => {
    const folder = given.folder()
    const away: Ledger = { ...given.ledger, settle: () => Promise.reject(new LedgerUnavailable('away')) }
    const before = await given.open({ folder, change: { ledger: away } })
    const account = await given.account(1)
    const work = await given.reserve(given.work(account, 40), 100, 200)
    await given.ledger.extend({
      accountId: account,
      id: work.id,
      accrued: toMicro(70),
      more: toMicro(0),
      ttlMs: 1,
    })
    await until(async () => (await given.ledger.expire(work)).status === 'expired')
    await given.drain(account)
    expect(await given.remaining(account)).toBe(credit - 70)
    const { settled, noted } = before.outbox.settle(work)
    settled.catch(() => undefined)
    await noted
    expect(await before.outbox.close(0)).toEqual({ left: 1, lost: 0 })
    const opened = await given.open({ folder })
    await replayed(opened)
    expect(await given.remaining(account)).toBe(credit - 40)
    await given.drain(account)
    await empty(opened)
  })

  it('that two gateways send is made once', async () => {
    const folder = given.folder()
    const first = await given.open({ folder })
    const account = await given.account(1)
    const work = await given.reserve(given.work(account, 30), 100)
    await first.outbox.settle(work).settled
    const others = [await given.open({ folder: copyOf(folder) }), await given.open({ folder: copyOf(folder) })]
    await Promise.all(others.map(replayed))
    expect(await given.remaining(account)).toBe(credit - 30)
    expect(await given.drain(account)).toBe(1)
    await Promise.all([first, ...others].map(empty))
  })

  it('of an account that nobody knows any more is kept', async () => {
    const opened = await given.open()
    const { noted, settled } = opened.outbox.settle(given.work('nobody', 30))
    await expect(settled).rejects.toThrow('no account nobody')
    await noted
    await until(async () => opened.events.filter(({ kind }) => kind === 'left_for_later').length > 1)
    expect(opened.outbox.figures()).toMatchObject({ entries: 1 })
  })

  it('that fails harms nobody who does not wait for it', async () => {
    const unheard: unknown[] = []
    const listener = (error: unknown): void => void unheard.push(error)
    process.on('unhandledRejection', listener)
    const opened = await given.open()
    await opened.outbox.settle(given.work('nobody', 30)).noted
    await until(async () => opened.events.some(({ kind }) => kind === 'left_for_later'))
    // Node tells of it once a turn of its event loop is over
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unheard).toEqual([])
  })

  it('that the disk does not give back now is kept, and tried again', async () => {
    const folder = given.folder()
    const account = await given.account(1)
    const first = await given.open({ folder, change: { times: onlyWhenTold } })
    await first.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled
    const store = await openStore({ folder: copyOf(folder), clock: systemClock, onEvent: () => undefined })
    const read = store.read.bind(store)
    let failures = 0
    store.read = (entry) => {
      if (failures > 0) return read(entry)
      failures += 1
      return Promise.reject(new Error('EIO: i/o error, read'))
    }
    const opened = await given.open({ change: { store } })
    await replayed(opened)
    expect(opened.events).toContainEqual(expect.objectContaining({ kind: 'left_for_later', accountId: account }))
  })

  it('is sent before hundreds that are sent again', async () => {
    const folder = given.folder()
    let isAway = true
    let replays = 0
    const held = Promise.withResolvers<void>()
    const before = await given.open({
      folder,
      change: { ledger: { ...given.ledger, settle: () => Promise.reject(new LedgerUnavailable('away')) } },
    })
    const account = await given.account(1)
    const old = Array.from({ length: 300 }, () => before.outbox.settle(given.work(account, 1)))
    for (const { settled } of old) settled.catch(() => undefined)
    await Promise.all(old.map(({ noted }) => noted))
    await before.outbox.close(0)
    const opened = await given.open({
      folder,
      change: {
        ledger: {
          ...given.ledger,
          settle: async (request, evidence) => {
            if (request.actual === 1) {
              replays += 1
              if (isAway) await held.promise
            }
            return given.ledger.settle(request, evidence)
          },
        },
      },
    })
    await until(async () => replays > 0)
    expect(await opened.outbox.settle(await given.reserve(given.work(account, 30), 100)).settled).toMatchObject({
      status: 'settled',
    })
    expect(replays).toBe(32)
    isAway = false
    held.resolve()
    await until(async () => (await given.remaining(account)) === credit - 330)
    await given.drain(account)
    await empty(opened)
  })
})

describe('a one-shot', () => {
  const charge = (account: string, actual: number, id?: string) => ({
    ...given.work(account, actual, id),
    accepted: false,
  })

  it('is charged once, however often it is asked for', async () => {
    const opened = await given.open()
    const account = await given.account(1)
    const request = charge(account, 30)
    const both = await Promise.all([opened.outbox.charge(request, 5_000), opened.outbox.charge(request, 5_000)])
    expect(both).toMatchObject([
      { ok: true, settled: { charged: 30 } },
      { ok: true, settled: { charged: 30 } },
    ])
    expect(await opened.outbox.charge({ ...request, actual: toMicro(31) }, 5_000)).toEqual({
      ok: false,
      refusal: { kind: 'id_conflict' },
    })
    expect(await given.drain(account)).toBe(1)
    await empty(opened)
    expect(await given.remaining(account)).toBe(credit - 30)
  })

  it('that was refused is never charged, by no process, and may be asked for anew', async () => {
    const folder = given.folder()
    const opened = await given.open({ folder })
    const account = await given.account(0)
    const request = charge(account, 30)
    expect(await opened.outbox.charge(request, 5_000)).toMatchObject({
      ok: false,
      refusal: { kind: 'insufficient_credits', needed: 30, available: 0 },
    })
    expect(opened.outbox.figures()).toMatchObject({ entries: 0 })
    await given.grant(account, 1)
    const other = await given.open({ folder: copyOf(folder) })
    expect(other.outbox.figures()).toMatchObject({ entries: 0, replays: 0 })
    expect(await given.remaining(account)).toBe(credit)
    expect(await opened.outbox.charge(request, 5_000)).toMatchObject({ ok: true, settled: { charged: 30 } })
  })

  it('that was accepted is never refused after a loss: what is not there is uncollected', async () => {
    const folder = given.folder()
    const opened = await given.open({ folder, change: { times: { tickMs: 3_600_000 } } })
    const account = await given.account(1)
    const request = charge(account, 30)
    expect(await opened.outbox.charge(request, 5_000)).toMatchObject({ ok: true })
    const copy = copyOf(folder)
    await given.redis.flushall()
    await given.grant(account, 0)
    await given.loader.load(account)
    const next = await given.open({ folder: copy })
    await replayed(next)
    await given.drain(account)
    expect(await given.journal.receipt(account, request.id)).toMatchObject({ charged: 0, uncollected: 30 })
    await empty(next)
  })

  it('whose answer was lost is not known yet, and the same request hears what became of it', async () => {
    let isLost = true
    const ledger: Ledger = {
      ...given.ledger,
      charge: async (...sent) => {
        const answer = await given.ledger.charge(...sent)
        if (isLost) throw new LedgerUnavailable('the answer was lost')
        return answer
      },
    }
    const opened = await given.open({ change: { ledger } })
    const account = await given.account(1)
    const request = charge(account, 30)
    expect(await opened.outbox.charge(request, 1)).toMatchObject({
      ok: false,
      refusal: { kind: 'ledger_unavailable' },
    })
    isLost = false
    expect(await opened.outbox.charge(request, 30_000)).toMatchObject({ ok: true, settled: { charged: 30 } })
    expect(await given.remaining(account)).toBe(credit - 30)
  })

  it('that cannot even be sent is a bug, and leaves nothing behind', async () => {
    const opened = await given.open()
    const request = { ...charge(await given.account(1), 30), levels: ['a|b'] }
    await expect(opened.outbox.charge(request, 5_000)).rejects.toThrow('not a level')
    expect(opened.outbox.figures()).toMatchObject({ entries: 0 })
  })
})
