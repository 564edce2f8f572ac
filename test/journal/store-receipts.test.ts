import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { backends, freshDatabase, type OpenBackend } from './backends.ts'
import { newAccount, receiptOf, someDetail, someTimeMs } from './receipts.ts'

const row = 'ai_usage|fast|openai/gpt-5-mini||ada|acme'
const otherRow = 'ai_usage|advanced|anthropic/claude||ada|acme'

/** µcr by epoch and row, and by level and window. */
async function chargedIn(journal: Journal, accountId: string) {
  const { epochs, budgets } = await journal.totals(accountId)
  const rows = epochs.flatMap(({ epoch, rows: ofEpoch }) =>
    Object.entries(ofEpoch).map(([key, { charged }]) => [`${epoch} ${key}`, charged] as const),
  )
  return {
    rows: Object.fromEntries(rows),
    budgets: Object.fromEntries(budgets.map((b) => [`${b.level}|${b.window}`, b.spent])),
  }
}

describe.each(backends)('storing receipts in $name', (database) => {
  let backend: OpenBackend
  beforeAll(async () => {
    backend = await database.open()
  })
  afterAll(() => backend.close())

  const expired = { kind: 'expired', detail: null, charged: toMicro(60), uncollected: toMicro(5) } as const
  const settled = { kind: 'settled', charged: toMicro(100), uncollected: toMicro(0) } as const
  const less = { kind: 'settled', charged: toMicro(20), uncollected: toMicro(0) } as const

  it.each([
    ['a receipt is counted', [settled], 100],
    ['the same receipt twice is counted once', [settled, settled], 100],
    ['the first settled one stands, whatever a second one says', [settled, less], 100],
    ['an expiry is counted', [expired], 60],
    ['an expiry twice is counted once', [expired, expired], 60],
    ['a settlement after the expiry adjusts up', [expired, settled], 100],
    ['a settlement after the expiry adjusts down', [expired, less], 20],
    ['a settlement after the expiry adjusts once', [expired, less, settled, expired, less], 20],
    ['an expiry that comes after the settlement changes nothing', [less, expired], 20],
  ])('%s, in one batch and one by one', async (_, changes: readonly Partial<Receipt>[], charged) => {
    const [together, apart] = [newAccount(), newAccount()]
    await backend.journal.storeReceipts(changes.map((change) => receiptOf(together, 1, change)))
    for (const change of changes) await backend.journal.storeReceipts([receiptOf(apart, 1, change)])
    const expected = {
      rows: { [`1 ${row}`]: charged },
      budgets: { 'employee:ada|d20406': charged, 'employee:ada|all': charged },
    }
    expect(await chargedIn(backend.journal, together)).toEqual(expected)
    expect(await chargedIn(backend.journal, apart)).toEqual(expected)
  })

  it('quantities and uncollected amounts are adjusted like the money', async () => {
    const account = newAccount()
    const id = chargeId(someTimeMs, 'q')
    const accrued = { units: 1, inputTokens: 500, cachedTokens: 40, outputTokens: 90, reasoningTokens: 7 }
    const final = { units: 1, inputTokens: 500, cachedTokens: 0, outputTokens: 120, reasoningTokens: 9 }
    await backend.journal.storeReceipts([receiptOf(account, 1, { ...expired, id, quantities: accrued })])
    await backend.journal.storeReceipts([receiptOf(account, 2, { ...less, id, quantities: final })])
    expect((await backend.journal.totals(account)).epochs).toEqual([
      { epoch: 1, rows: { [row]: { charged: 20, uncollected: 0, ...final } } },
    ])
    expect((await backend.journal.receipt(account, id))?.added).toEqual({
      charged: -40,
      uncollected: -5,
      units: 0,
      inputTokens: 0,
      cachedTokens: -40,
      outputTokens: 30,
      reasoningTokens: 2,
    })
  })

  it('the difference goes to the epoch and row of the settlement', async () => {
    const account = newAccount()
    await backend.journal.storeReceipts([
      receiptOf(account, 1, expired),
      receiptOf(account, 1, { ...less, epoch: 2, row: otherRow }),
    ])
    expect((await chargedIn(backend.journal, account)).rows).toEqual({ [`1 ${row}`]: 60, [`2 ${otherRow}`]: -40 })
  })

  it('a window that is named twice is counted once', async () => {
    const account = newAccount()
    await backend.journal.storeReceipts([receiptOf(account, 1, { windows: ['task:a|b|all', 'task:a|b|all'] })])
    expect((await chargedIn(backend.journal, account)).budgets).toEqual({ 'task:a|b|all': 100 })
  })

  it('no receipts at all are stored gladly', async () => {
    await expect(backend.journal.storeReceipts([])).resolves.toBeUndefined()
  })

  it('one receipt that cannot be stored stores none of its batch, and the error does not repeat them all', async () => {
    const account = newAccount()
    const broken = receiptOf(account, 2, { row: 'no row' })
    await expect(backend.journal.storeReceipts([receiptOf(account, 1), broken])).rejects.toThrow(RangeError)
    const fraction = { ...receiptOf(account, 2), epoch: 1.5 }
    const refused = await backend.journal
      .storeReceipts([receiptOf(account, 1), fraction])
      .catch((error: unknown) => error)
    expect(String(refused)).toContain('1.5')
    expect(inspect(refused, { depth: 5 })).not.toContain(row)
    expect(await chargedIn(backend.journal, account)).toEqual({ rows: {}, budgets: {} })
  })

  it('amounts up to 2^53 - 1 come back as they were', async () => {
    const account = newAccount()
    const most = toMicro(Number.MAX_SAFE_INTEGER)
    await backend.journal.storeReceipts([
      receiptOf(account, 1, {
        charged: most,
        detail: { ...someDetail, lines: [{ ...someDetail.lines[0]!, amount: most }] },
      }),
    ])
    const stored = await backend.journal.receipt(account, receiptOf(account, 1).id)
    expect([stored?.charged, stored?.detail?.lines[0]?.amount]).toEqual([most, most])
    expect((await chargedIn(backend.journal, account)).rows).toEqual({ [`1 ${row}`]: most })
  })

  it('a total beyond 2^53 - 1 is refused, not rounded', async () => {
    const account = newAccount()
    const most = toMicro(Number.MAX_SAFE_INTEGER)
    await backend.journal.storeReceipts([receiptOf(account, 1, { charged: most })])
    await backend.journal.storeReceipts([receiptOf(account, 2, { charged: toMicro(2) })])
    await expect(backend.journal.totals(account)).rejects.toThrow(/kept exactly/)
  })

  it('characters that PostgreSQL cannot hold do not stop the drain', async () => {
    const account = newAccount()
    const odd = receiptOf(account, 1, { detail: { ...someDetail, messageId: 'm\0\uD800', task: 'plain \\u0000 text' } })
    await backend.journal.storeReceipts([odd, receiptOf(account, 2)])
    const [stored] = await backend.journal.receiptsOfMessage(account, 'm\0\uD800')
    expect(stored?.detail).toEqual({ ...someDetail, messageId: 'm\uFFFD\uFFFD', task: 'plain \\u0000 text' })
    expect((await chargedIn(backend.journal, account)).rows).toEqual({ [`1 ${row}`]: 200 })
  })

  it('a message id of any length is stored and found', async () => {
    const account = newAccount()
    const [messageId, alike] = [`${'m'.repeat(20_000)}1`, `${'m'.repeat(20_000)}2`]
    await backend.journal.storeReceipts([receiptOf(account, 1, { detail: { ...someDetail, messageId } })])
    expect(await backend.journal.receiptsOfMessage(account, messageId)).toHaveLength(1)
    expect(await backend.journal.receiptsOfMessage(account, alike)).toHaveLength(0)
  })

  it('the highest receipt number counts receipts that changed nothing, per life of the account', async () => {
    const account = newAccount()
    await backend.journal.storeReceipts([
      receiptOf(account, 1, { n: 7 }),
      receiptOf(account, 1, { n: 9 }),
      receiptOf(account, 2, { n: 8 }),
    ])
    await backend.journal.storeReceipts([receiptOf(account, 3, { n: 2, lineage: 2 }), receiptOf(account, 4, { n: 1 })])
    const highest = (from: number, to: number) => backend.journal.highestN(account, { from, to })
    expect(await Promise.all([highest(1, 1), highest(2, 2), highest(3, 3)])).toEqual([9, 2, 0])
    expect(await Promise.all([highest(1, 2), highest(2, 5), highest(3, 9)])).toEqual([9, 2, 0])
  })

  describe('a journal that lost commits is known by', () => {
    const received = async (account: string, from: number, to: number) =>
      (await backend.journal.totals(account, { epochs: [], receivedOf: { from, to } })).received
    /** Receipts of a life by their numbers, each of a charge of its own. */
    const store = (account: string, lineage: number, ...numbers: readonly number[]) =>
      backend.journal.storeReceipts(numbers.map((n) => receiptOf(account, 1_000 * lineage + n, { lineage, n })))

    it('a receipt that comes without the one before it, and still is when more have come', async () => {
      const account = newAccount()
      await store(account, 1, 1, 2)
      expect(await received(account, 1, 1)).toEqual({ highestN: 2, gap: false })
      await store(account, 1, 4)
      await store(account, 1, 5, 6)
      expect(await received(account, 1, 1)).toEqual({ highestN: 6, gap: true })
    })

    it('a hole within a batch', async () => {
      const account = newAccount()
      await store(account, 1, 1, 2, 5)
      expect(await received(account, 1, 1)).toEqual({ highestN: 5, gap: true })
    })

    it('a life of which it has no beginning, though an earlier life had as many', async () => {
      const account = newAccount()
      await store(account, 1, 1, 2, 3, 4)
      await store(account, 2, 3)
      expect(await received(account, 2, 2)).toEqual({ highestN: 3, gap: true })
      // Had it gone on from life 1 by a repair, nothing would be missing
      expect(await received(account, 1, 2)).toEqual({ highestN: 4, gap: false })
    })

    it('a repaired life that goes on from where the journal is not', async () => {
      const account = newAccount()
      await store(account, 1, 1, 2)
      await store(account, 2, 4)
      expect(await received(account, 1, 2)).toEqual({ highestN: 4, gap: true })
    })

    it('nothing, when repairs, repeats and drainers that come late are all there was', async () => {
      const account = newAccount()
      await store(account, 3, 1, 2, 3)
      await store(account, 3, 3, 4)
      await store(account, 3, 1, 2)
      // Rolled back to 2, where it went on for a moment, then in a life of its own
      await store(account, 3, 2, 3)
      await backend.journal.storeReceipts([
        receiptOf(account, 3_009, { lineage: 3, n: 4 }),
        receiptOf(account, 5_005, { lineage: 5, n: 5 }),
      ])
      await store(account, 5, 6)
      expect(await received(account, 3, 5)).toEqual({ highestN: 6, gap: false })
    })
  })

  it('two drainers that store the same overlapping batches count each charge once', async () => {
    const accounts = Array.from({ length: 20 }, newAccount)
    const stream = Array.from({ length: 1_500 }, (_, index) => {
      const number = index % 3 === 2 ? index - 1 : index
      const kind = index % 3 === 1 ? 'expired' : 'settled'
      return receiptOf(accounts[number % accounts.length]!, number, {
        kind,
        charged: toMicro(1 + ((index * 7) % 90)),
        n: index + 1,
      })
    })
    const drain = async (journal: Journal, step: number) => {
      for (let start = 0; start < stream.length; start += step)
        await journal.storeReceipts(stream.slice(start, start + step + 50))
    }
    await Promise.all([drain(backend.journal, 200), drain(backend.other, 130), drain(backend.other, 170)])

    const last = new Map<string, Receipt>()
    for (const receipt of stream) if (last.get(receipt.id)?.kind !== 'settled') last.set(receipt.id, receipt)
    for (const account of accounts) {
      const expected = [...last.values()]
        .filter(({ accountId }) => accountId === account)
        .reduce((sum, { charged }) => sum + charged, 0)
      const { rows, budgets } = await chargedIn(backend.journal, account)
      expect([rows, budgets]).toEqual([
        { [`1 ${row}`]: expected },
        { 'employee:ada|d20406': expected, 'employee:ada|all': expected },
      ])
    }
  })

  it('whatever is repeated and reordered, totals are the sum of the last totals of each id', async () => {
    const fact = fc.record({
      number: fc.nat({ max: 4 }),
      who: fc.nat({ max: 1 }),
      kind: fc.constantFrom('expired', 'settled'),
      charged: fc.nat({ max: 1_000 }).map(toMicro),
      uncollected: fc.nat({ max: 50 }).map(toMicro),
      epoch: fc.integer({ min: 1, max: 2 }),
      row: fc.constantFrom(row, otherRow),
      windows: fc.constantFrom<Receipt['windows'][]>([], ['employee:ada|all'], ['employee:ada|all', 'task:t|d1']),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fact, { maxLength: 6 }), { maxLength: 6 }), async (batches) => {
        const accounts = [newAccount(), newAccount()]
        const rows = new Map<string, number>()
        const windows = new Map<string, number>()
        const last = new Map<string, Receipt>()
        for (const batch of batches) {
          const receipts = batch.map(({ number, who, ...change }) => receiptOf(accounts[who]!, number, change))
          await backend.journal.storeReceipts(receipts)
          for (const receipt of receipts) {
            const key = `${receipt.accountId} ${receipt.id}`
            const before = last.get(key)
            if (before !== undefined && (before.kind === 'settled' || receipt.kind === 'expired')) continue
            const added = receipt.charged - (before?.charged ?? 0)
            const rowName = `${receipt.accountId} ${receipt.epoch} ${receipt.row}`
            rows.set(rowName, (rows.get(rowName) ?? 0) + added)
            for (const window of receipt.windows) {
              const name = `${receipt.accountId} ${window}`
              windows.set(name, (windows.get(name) ?? 0) + added)
            }
            last.set(key, receipt)
          }
        }
        const stored = {
          rows: new Map<string, number>(),
          windows: new Map<string, number>(),
          charged: 0,
          uncollected: 0,
        }
        for (const account of accounts) {
          const { epochs, budgets } = await backend.journal.totals(account)
          for (const { epoch, rows: ofEpoch } of epochs) {
            for (const [key, total] of Object.entries(ofEpoch)) {
              stored.rows.set(`${account} ${epoch} ${key}`, total.charged)
              stored.charged += total.charged
              stored.uncollected += total.uncollected
            }
          }
          for (const { level, window, spent } of budgets) stored.windows.set(`${account} ${level}|${window}`, spent)
        }
        expect(stored.rows).toEqual(rows)
        expect(stored.windows).toEqual(windows)
        expect(stored.charged).toBe([...last.values()].reduce((sum, { charged }) => sum + charged, 0))
        expect(stored.uncollected).toBe([...last.values()].reduce((sum, { uncollected }) => sum + uncollected, 0))
      }),
      { numRuns: 100 },
    )
  })
})

it('receipts are committed to disk even where the server is set up to be careless', async () => {
  const database = await freshDatabase()
  const name = new URL(database.url).pathname.slice(1)
  await database.run(`alter database ${name} set synchronous_commit to off`)
  const journal = await openJournal({ url: database.url })
  await database.run(`create table seen (setting text);
    create function note() returns trigger language plpgsql as $$ begin insert into seen values (current_setting('synchronous_commit')); return new; end $$;
    create trigger note before insert on tollgate.entries for each row execute function note()`)
  await journal.storeReceipts([receiptOf(newAccount(), 1)])
  expect((await database.run('select setting from seen')).rows).toEqual([{ setting: 'on' }])
  await journal.close()
  await database.drop()
})
