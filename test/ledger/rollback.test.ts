import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { startRedis } from '../../bin/stack/redis.ts'
import { type ChargeId, chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { type RowTotals, noQuantities, quantityNames } from '../../credits/usage-row.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { shardOf } from '../../ledger/keys.ts'
import type { AccountSnapshot, Ledger, SettleRequest } from '../../ledger/ledger.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { detailOf, givenLedger, quantities, row, termsOf } from './given.ts'
import { type JournalDouble, createJournalDouble } from './journal-double.ts'

const accountId = 'rolled-back'
const shard = shardOf(accountId)
const levels = ['employee:ada', 'task:one']
const terms = termsOf({
  granted: toMicro(1_000),
  budgets: [{ level: 'employee:ada', limit: toMicro(900), window: 'day', atLimit: 'pause' }],
})

/** What outlives Redis: the journal, and what gateways have sent and keep until the journal has it. */
interface Outside {
  readonly ledger: Ledger
  /** Of all lives, in the order in which the journal heard of them. */
  readonly entries: Receipt[]
  readonly outbox: SettleRequest[]
}

function journalOf(entries: readonly Receipt[]): JournalDouble {
  const journal = createJournalDouble()
  journal.store(entries)
  return journal
}

async function settle(outside: Outside, request: SettleRequest): Promise<void> {
  if (!outside.outbox.includes(request)) outside.outbox.push(request)
  const answer = await outside.ledger.settle(request)
  if (answer.status !== 'ask_journal') return
  const found = journalOf(outside.entries).find(accountId, request.id)
  await outside.ledger.settle(request, { lineage: answer.lineage, nowMs: answer.nowMs, found })
}

async function drain({ ledger, entries }: Outside, count: number): Promise<void> {
  const head = await ledger.receipts(shard, count)
  entries.push(...head.map(({ receipt }) => receipt))
  expect(await ledger.ackReceipts(shard, head)).toBe('acked')
}

async function snapshotOf(ledger: Ledger): Promise<AccountSnapshot> {
  const answer = await ledger.snapshot(accountId)
  if (answer.status !== 'loaded') throw new Error(answer.status)
  return answer
}

/** Section 9 of the protocol, with plain objects for the journal's totals. */
async function check({ ledger, entries }: Outside): Promise<'repaired' | 'corrected' | 'equal'> {
  const { lineage: life } = await snapshotOf(ledger)
  const highest = Math.max(0, ...entries.filter(({ lineage }) => lineage === life).map(({ n }) => n))
  const read = await snapshotOf(ledger)
  const { lineage, corrections, seq, n } = read
  if (n < highest) {
    const { status } = await ledger.repair(accountId, { from: lineage, to: lineage + 1 })
    if (status !== 'repaired') throw new Error(status)
    return status
  }
  expect(read.drained).toBe(n)
  const journal = journalOf(entries.filter((entry) => entry.lineage !== lineage || entry.n <= n))
  const rows = read.epochs.flatMap(({ epoch, rows: here }) => {
    const there = journal.epochs(accountId).find((one) => one.epoch === epoch)?.rows ?? {}
    const names = [...new Set([...Object.keys(here), ...Object.keys(there)])]
    return names.map((name) => ({ epoch, row: name, add: difference(there[name], here[name]) }))
  })
  const known = new Map(read.budgets.map(({ level, window, spent }) => [`${level}|${window}`, spent]))
  const windows = journal.budgets(accountId).map(({ level, window, spent }) => ({
    level,
    window,
    add: Math.max(0, spent) - (known.get(`${level}|${window}`) ?? 0),
  }))
  const correction = {
    accountId,
    lineage,
    corrections,
    seq,
    rows: rows.filter(({ add }) => Object.values(add).some((figure) => figure !== 0)),
    windows: windows.filter(({ add }) => add !== 0),
  }
  if (correction.rows.length + correction.windows.length === 0) return 'equal'
  expect(await ledger.correct(correction)).toEqual({ status: 'corrected' })
  return 'corrected'
}

function difference(there: RowTotals | undefined, here: RowTotals | undefined) {
  const names = ['charged', 'uncollected', ...quantityNames] as const
  const add = { ...noQuantities, charged: 0, uncollected: 0 }
  for (const name of names) add[name] = (there?.[name] ?? 0) - (here?.[name] ?? 0)
  return add
}

/** What gateways and workers do once they see that the ledger may have gone back: replay, drain, check until all is equal. */
async function heal(outside: Outside): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    for (const request of outside.outbox) await settle(outside, request)
    await drain(outside, 10_000)
    if ((await check(outside)) === 'equal') return
  }
  throw new Error('four rounds did not heal it')
}

async function expectAsTheJournal({ ledger, entries, outbox }: Outside): Promise<void> {
  const account = await snapshotOf(ledger)
  const journal = journalOf(entries)
  const rows = journal.epochs(accountId).find(({ epoch }) => epoch === 1)?.rows ?? {}
  const untouched = ([, totals]: readonly [string, RowTotals]) => Object.values(totals).every((figure) => figure === 0)
  const said = Object.fromEntries(Object.entries(account.epochs[0]!.rows).filter((one) => !untouched(one)))
  expect(said).toEqual(Object.fromEntries(Object.entries(rows).filter((one) => !untouched(one))))
  expect(account.spent).toBe(Object.values(rows).reduce((total, { charged }) => total + charged, 0))
  for (const { level, window, spent } of journal.budgets(accountId)) {
    const here = account.budgets.find((one) => one.level === level && one.window === window)
    // As a row that nothing was booked in, one that nothing was spent in need not be there: it reads 0
    expect(here?.spent ?? 0, `${level} in ${window}`).toBe(Math.max(0, spent))
  }
  // Nobody is charged twice, and nothing that was settled is forgotten
  for (const request of outbox) {
    const found = journal.find(accountId, request.id)
    expect([request.id, found!.charged + found!.uncollected]).toEqual([request.id, request.actual])
  }
}

const settlementOf = (id: ChargeId, actual: number): SettleRequest => ({
  accountId,
  id,
  actual: toMicro(actual),
  row: { ...row, employee: actual % 2 === 0 ? 'ada' : 'bob' },
  quantities,
  levels,
  detail: detailOf(1),
})

test(
  'an append-only file that is put back to an hour ago is healed from the journal',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-rollback-'))
    const [data, backup] = [join(folder, 'data', 'appendonlydir'), join(folder, 'backup')]
    const start = () => startRedis({ dir: join(folder, 'data'), appendonly: 'always' })
    // No slack, so that ids are admitted in the first minute of the account too
    const open = async (url: string) =>
      createLedger(await connectRedis(url, { commandTimeoutMs: 30_000 }), { depletedBelow: zero, slackMs: 0 })
    let server = await start()
    let outside: Outside = { ledger: await open(server.url), entries: [], outbox: [] }
    await outside.ledger.lock(accountId, 'token', 60_000)
    const life = {
      accountId,
      token: 'token',
      lineage: 1,
      terms,
      epochs: [],
      budgets: [],
      held: zero,
      journalNowMs: 0,
      newestBirthMs: 0,
    }
    expect(await outside.ledger.hydrate(life)).toEqual({ status: 'hydrated' })
    const id = (key: string) => chargeId(Date.now(), key)

    for (const amount of [10, 11, 12]) await settle(outside, settlementOf(id(`before-${amount}`), amount))
    await drain(outside, 2)
    const { spent } = await snapshotOf(outside.ledger)
    cpSync(data, backup, { recursive: true })
    const identity = await outside.ledger.identity()

    for (const amount of [20, 21, 22]) await settle(outside, settlementOf(id(`lost-${amount}`), amount))
    await drain(outside, 3)
    await outside.ledger.close()
    await server.kill()
    rmSync(data, { recursive: true })
    cpSync(backup, data, { recursive: true })
    server = await start()
    outside = { ...outside, ledger: await open(server.url) }

    expect(await outside.ledger.identity()).not.toBe(identity)
    expect(await snapshotOf(outside.ledger)).toMatchObject({ spent, n: 3, drained: 2 })
    expect(await check(outside)).toBe('repaired')
    await heal(outside)
    expect(await snapshotOf(outside.ledger)).toMatchObject({ spent: 96, lineage: 2, bornIn: 1 })
    await expectAsTheJournal(outside)
    await outside.ledger.close()
    await server.stop()
    rmSync(folder, { recursive: true })
  },
)

test(
  'wherever Redis goes back to, and whatever it does before anybody notices, the journal heals it',
  { timeout: 300_000 },
  async () => {
    const given = await givenLedger()
    const verdicts = new Set<string>()
    const deeds = fc.record({
      deed: fc.constantFrom('charge', 'charge', 'reserve', 'settle', 'repeat', 'extend', 'expire', 'drain', 'wait'),
      which: fc.nat(5),
      amount: fc.integer({ min: 0, max: 40 }),
    })
    const phase = fc.array(deeds, { maxLength: 12 })
    try {
      await fc.assert(
        fc.asyncProperty(phase, phase, phase, async (kept, lost, unnoticed) => {
          for (const key of await given.redis.keys('tg:*')) await given.redis.del(key)
          await given.load(accountId, terms)
          const outside: Outside = { ledger: given.ledger, entries: [], outbox: [] }
          const holds: ChargeId[] = []
          let made = 0
          const newId = (): ChargeId => given.mint(`d${(made += 1)}`)
          const play = async (phaseOfDeeds: typeof kept): Promise<void> => {
            for (const { deed, which, amount } of phaseOfDeeds) {
              const hold = holds[holds.length - 1 - which]
              const repeated = outside.outbox[outside.outbox.length - 1 - which]
              if (deed === 'charge') await settle(outside, settlementOf(newId(), amount))
              if (deed === 'repeat' && repeated !== undefined) await settle(outside, repeated)
              if (deed === 'reserve') {
                const id = newId()
                const wanted = { accountId, id, amount: toMicro(amount), minimum: zero, ttlMs: 60_000, row, levels }
                if ((await given.ledger.reserve(wanted)).status === 'created') holds.push(id)
              }
              if (deed === 'settle' && hold !== undefined && !outside.outbox.some(({ id }) => id === hold)) {
                await settle(outside, settlementOf(hold, amount))
              }
              if (deed === 'extend' && hold !== undefined) {
                await given.ledger.extend({ accountId, id: hold, accrued: toMicro(amount), more: zero, ttlMs: 60_000 })
              }
              if (deed === 'expire') await expireAll()
              if (deed === 'drain') await drain(outside, 1 + which)
              if (deed === 'wait') await given.clock.advance(30_000)
            }
          }
          const expireAll = async (): Promise<void> => {
            const [waiting] = await given.ledger.pending([shard], { dirtyOlderThanMs: 0, perShard: 100 })
            for (const name of waiting!.due) await given.ledger.expire(name)
          }

          await play(kept)
          const past = await copyOf(given.redis)
          await play(lost)
          await putBack(given.redis, past)
          await play(unnoticed)
          verdicts.add(await drain(outside, 10_000).then(() => check(outside)))
          await heal(outside)
          await expectAsTheJournal(outside)
          // All holds come to their end, and then too
          await given.clock.advance(600_000)
          await expireAll()
          await heal(outside)
          await expectAsTheJournal(outside)
          expect(await snapshotOf(given.ledger)).toMatchObject({ held: 0 })
        }),
        { numRuns: 150 },
      )
      expect([...verdicts].toSorted()).toEqual(['corrected', 'equal', 'repaired'])
    } finally {
      await given.stop()
    }
  },
)

type Copy = readonly { readonly key: string; readonly value: Buffer; readonly expiresMs: number }[]

/** All that the ledger has in Redis. */
async function copyOf(redis: Redis): Promise<Copy> {
  const keys = await redis.keys('tg:*')
  return Promise.all(
    keys.map(async (key) => ({
      key,
      value: await redis.dumpBuffer(key),
      expiresMs: Math.max(0, await redis.pexpiretime(key)),
    })),
  )
}

async function putBack(redis: Redis, copy: Copy): Promise<void> {
  const keys = await redis.keys('tg:*')
  if (keys.length > 0) await redis.del(...keys)
  for (const { key, value, expiresMs } of copy) await redis.restore(key, expiresMs, value, 'ABSTTL')
}
