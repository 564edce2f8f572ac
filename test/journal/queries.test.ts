import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { ActivityQuery } from '../../journal/activity.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { backends, freshFolder, type OpenBackend } from './backends.ts'
import { newAccount, receiptOf, someDetail, someTimeMs } from './receipts.ts'

async function pagesOf(
  journal: Journal,
  accountId: string,
  query: ActivityQuery,
  betweenPages = async () => {},
): Promise<number[][]> {
  const pages: number[][] = []
  let cursor: string | undefined
  for (;;) {
    const page = await journal.activity(accountId, { ...query, cursor })
    if (!page.ok) throw new Error(page.code)
    pages.push(page.entries.map(({ n }) => n))
    if (page.next === null) return pages
    cursor = page.next
    await betweenPages()
  }
}

describe.each(backends)('asking $name', (database) => {
  let backend: OpenBackend
  let journal: Journal
  beforeAll(async () => {
    backend = await database.open()
    journal = backend.journal
  })
  afterAll(() => backend.close())

  it('a charge is found with what a settlement must know of it, the settled fact first', async () => {
    const account = newAccount()
    const settled = receiptOf(account, 1, { charged: toMicro(80), uncollected: toMicro(3), epoch: 4 })
    await journal.storeReceipts([receiptOf(account, 1, { kind: 'expired', charged: toMicro(9), epoch: 4 })])
    expect((await journal.findCharge(account, settled.id))?.kind).toBe('expired')
    await journal.storeReceipts([settled])
    const { kind, charged, uncollected, quantities, epoch, row, windows } = settled
    expect(await journal.findCharge(account, settled.id)).toEqual({
      kind,
      charged,
      uncollected,
      quantities,
      epoch,
      row,
      windows,
    })
  })

  it('a receipt comes back as it was', async () => {
    const account = newAccount()
    const [settled, expired] = [receiptOf(account, 1), receiptOf(account, 2, { kind: 'expired' })]
    await journal.storeReceipts([settled, expired])
    expect(await journal.receipt(account, settled.id)).toMatchObject(settled)
    expect(await journal.receipt(account, expired.id)).toMatchObject(expired)
  })

  it.each(['000000001.nothing', 'no id at all', 'nul\0', ''])('an unknown charge %j is not found', async (id) => {
    expect([await journal.findCharge(newAccount(), id), await journal.receipt(newAccount(), id)]).toEqual([null, null])
  })

  it('a charge of another account is not found', async () => {
    const [account, stranger] = [newAccount(), newAccount()]
    await journal.storeReceipts([receiptOf(account, 1, { detail: { ...someDetail, messageId: 'm' } })])
    const id = receiptOf(account, 1).id
    expect([await journal.findCharge(stranger, id), await journal.receipt(stranger, id)]).toEqual([null, null])
    expect([await journal.receiptsOfMessage(stranger, 'm'), await journal.receiptsAfter(stranger, 0, 10)]).toEqual([
      [],
      [],
    ])
  })

  it('an outbox hears which of its charges are settled', async () => {
    const account = newAccount()
    const [settled, expired, absent] = [
      receiptOf(account, 1),
      receiptOf(account, 2, { kind: 'expired' }),
      receiptOf(account, 3),
    ]
    await journal.storeReceipts([settled, expired])
    expect(await journal.settledAmong([absent, settled, expired])).toEqual([settled])
    expect(await journal.settledAmong([])).toEqual([])
    await expect(journal.settledAmong(Array.from({ length: 1_001 }, () => absent))).rejects.toThrow(RangeError)
  })

  it('totals of some epochs only', async () => {
    const account = newAccount()
    await journal.storeReceipts([1, 2, 3].map((epoch) => receiptOf(account, epoch, { epoch })))
    const epochsOf = async (only?: { epochs: number[] }) =>
      (await journal.totals(account, only)).epochs.map(({ epoch }) => epoch)
    expect([await epochsOf(), await epochsOf({ epochs: [2, 3, 9] }), await epochsOf({ epochs: [] })]).toEqual([
      [1, 2, 3],
      [2, 3],
      [],
    ])
  })

  it('totals can leave out what came after a receipt of one life: windows, adjustments and new rows too', async () => {
    const account = newAccount()
    const of = async (without?: { lineage: number; aboveN: number }) => {
      const totals = await journal.totals(account, { epochs: [1, 2], ...(without && { without }) })
      return {
        rows: totals.epochs.flatMap(({ epoch, rows }) =>
          Object.entries(rows)
            .filter(([, row]) => Object.values(row).some((figure) => figure !== 0))
            .map(([key, row]) => [epoch, key, row]),
        ),
        windows: totals.budgets.filter(({ spent }) => spent !== 0).toSorted((a, b) => (a.window < b.window ? -1 : 1)),
      }
    }
    const other = 'ai_usage|advanced|openai/gpt-5||bo|'
    const early = [
      receiptOf(account, 1, { lineage: 2 }),
      receiptOf(account, 2, { kind: 'expired', lineage: 2, charged: toMicro(60) }),
    ]
    const late = [
      receiptOf(account, 2, { lineage: 2, n: 3, charged: toMicro(20), uncollected: toMicro(7) }),
      receiptOf(account, 4, { lineage: 2, row: other, windows: ['employee:bo|d20406', 'employee:bo|d20406'] }),
      receiptOf(account, 5, { lineage: 2, epoch: 2 }),
    ]
    await journal.storeReceipts(early)
    const before = await of()
    await journal.storeReceipts(late)
    expect(await of({ lineage: 2, aboveN: 2 })).toEqual(before)
    const all = await of()
    expect(all).not.toEqual(before)
    expect(await of({ lineage: 2, aboveN: 5 })).toEqual(all)
    expect(await of({ lineage: 1, aboveN: 0 })).toEqual(all)
    expect((await of({ lineage: 2, aboveN: 3 })).rows).toHaveLength(1)
    expect((await of({ lineage: 2, aboveN: 0 })).rows).toEqual([])
  })

  it('totals tell the latest birth of all charges, whatever came last, in whatever epoch, and left out or not', async () => {
    const account = newAccount()
    const born = (ms: number) => chargeId(someTimeMs + ms, 'Z')
    // Born ahead, in an epoch that is not asked for; then an expired one born before it.
    await journal.storeReceipts([receiptOf(account, 1, { id: born(60_000), epoch: 3 })])
    await journal.storeReceipts([receiptOf(account, 2, { id: born(50_000), kind: 'expired' })])
    await journal.storeReceipts([receiptOf(newAccount(), 3, { id: born(90_000) })])
    const { newestBirthMs } = await journal.totals(account, { epochs: [1], without: { lineage: 1, aboveN: 0 } })
    expect(newestBirthMs).toBe(someTimeMs + 60_000)
  })

  it('an account without charges has empty totals', async () => {
    expect(await journal.totals(newAccount())).toEqual({
      epochs: [],
      budgets: [],
      newestBirthMs: 0,
      nowMs: expect.closeTo(Date.now(), -5) as number,
      received: { highestN: 0, gap: false },
    })
  })

  it('receipts are found by their ids, those that are known of them, and of this account', async () => {
    const [account, stranger] = [newAccount(), newAccount()]
    const stored = [1, 2, 3].map((n) => receiptOf(account, n))
    await journal.storeReceipts([...stored, receiptOf(stranger, 4)])
    const ids = [stored[2]!.id, stored[0]!.id, receiptOf(stranger, 4).id, receiptOf(account, 5).id]
    expect((await journal.receiptsById(account, ids)).map(({ n }) => n)).toEqual([1, 3])
    expect(await journal.receiptsById(account, [])).toEqual([])
  })

  it('the receipts of a message are all those and only those that name it', async () => {
    const account = newAccount()
    const named = (messageId: string) => ({ detail: { ...someDetail, messageId } })
    await journal.storeReceipts([
      receiptOf(account, 1, named('m1')),
      receiptOf(account, 2, named('m2')),
      receiptOf(account, 3, named('m1')),
      receiptOf(account, 4),
    ])
    expect((await journal.receiptsOfMessage(account, 'm1')).map(({ n }) => n)).toEqual([1, 3])
    expect(await journal.receiptsOfMessage(account, '')).toEqual([])
  })

  it('a feed resumes after any serial without a gap', async () => {
    const account = newAccount()
    expect(await journal.newestSerial(account)).toBe(0)
    const store = (target: Journal, from: number) =>
      target.storeReceipts(Array.from({ length: 20 }, (_, index) => receiptOf(account, from + index)))
    await Promise.all([store(journal, 0), store(backend.other, 10), store(journal, 20), store(backend.other, 30)])
    const seen: number[] = []
    let serial = 0
    for (;;) {
      const page = await journal.receiptsAfter(account, serial, 7)
      if (page.length === 0) break
      for (const entry of page) {
        expect(entry.serial).toBeGreaterThan(serial)
        serial = entry.serial
        seen.push(entry.n)
      }
    }
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index))
    expect(await journal.newestSerial(account)).toBe(serial)
  })

  it('activity is newest first, page by page, each entry once, also among entries of the same moment', async () => {
    const account = newAccount()
    const moments = [5, 3, 3, 3, 9, 1, 3]
    await journal.storeReceipts(
      moments.map((moment, index) => receiptOf(account, index, { atMs: someTimeMs + moment })),
    )
    expect(await pagesOf(journal, account, { limit: 2 })).toEqual([[4, 0], [6, 3], [2, 1], [5]])
    expect(await pagesOf(journal, account, { limit: 7 })).toEqual([[4, 0, 6, 3, 2, 1, 5]])
  })

  it('what is charged while someone pages shifts nothing', async () => {
    const account = newAccount()
    await journal.storeReceipts([1, 2, 3, 4].map((number) => receiptOf(account, number)))
    let number = 100
    const charge = () => journal.storeReceipts([receiptOf(account, ++number)])
    expect(await pagesOf(journal, account, { limit: 1 }, charge)).toEqual([[4], [3], [2], [1]])
  })

  it('activity is filtered by category, employee, organization and time', async () => {
    const account = newAccount()
    await journal.storeReceipts([
      receiptOf(account, 1, { row: 'ai_usage|fast|p/m||ada|acme' }),
      receiptOf(account, 2, { row: 'tool_calls|||sms|ada|acme' }),
      receiptOf(account, 3, { row: 'ai_usage|fast|p/m||bob|acme' }),
      receiptOf(account, 4, { row: 'ai_usage|fast|p/m||bob|other' }),
    ])
    const found = async (filter: Partial<ActivityQuery>) =>
      (await pagesOf(journal, account, { limit: 200, ...filter })).flat()
    expect(await found({ category: 'ai_usage' })).toEqual([4, 3, 1])
    expect(await found({ employee: 'bob' })).toEqual([4, 3])
    expect(await found({ organization: 'acme', employee: 'bob' })).toEqual([3])
    expect(await found({ employee: 'o\0dd' })).toEqual([])
    expect(await found({ fromMs: someTimeMs + 2, toMs: someTimeMs + 4 })).toEqual([3, 2])
  })

  it('an adjustment shows in activity as what it changed', async () => {
    const account = newAccount()
    await journal.storeReceipts([
      receiptOf(account, 1, { kind: 'expired', charged: toMicro(60) }),
      receiptOf(account, 1, { charged: toMicro(20), n: 2 }),
    ])
    const page = await journal.activity(account, { limit: 10 })
    expect(page.ok && page.entries.map(({ kind, charged, added }) => [kind, charged, added.charged])).toEqual([
      ['settled', 20, -40],
      ['expired', 60, 60],
    ])
  })

  it.each([
    '',
    'nonsense',
    'MTIz',
    Buffer.from('1.2.3').toString('base64url'),
    Buffer.from('1;drop.1').toString('base64url'),
    '\0',
  ])('the cursor %j, which was never given, is refused', async (cursor) => {
    expect(await journal.activity(newAccount(), { cursor, limit: 10 })).toEqual({ ok: false, code: 'cursor_invalid' })
  })

  it.each([0, -1, 201, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('no list has %d entries a page', async (limit) => {
    await expect(journal.activity(newAccount(), { limit })).rejects.toThrow(RangeError)
  })

  describe('usage', () => {
    const day = 86_400_000
    const charges: readonly Partial<Receipt>[] = [
      { row: 'ai_usage|fast|openai/mini||ada|acme', charged: toMicro(10), atMs: someTimeMs },
      { row: 'ai_usage|fast|openai/mini||bob|acme', charged: toMicro(20), atMs: someTimeMs + day },
      { row: 'ai_usage|advanced|openai/big||ada|acme', charged: toMicro(300), atMs: someTimeMs + day },
      {
        row: 'tool_calls|||sms|ada|other',
        charged: toMicro(5),
        atMs: someTimeMs + 2 * day,
        quantities: { ...noQuantities, units: 3 },
      },
      { row: 'tool_calls|||sms|ada|other', charged: toMicro(1), atMs: someTimeMs + 2 * day, epoch: 2 },
    ]
    async function filled(): Promise<string> {
      const account = newAccount()
      await journal.storeReceipts(charges.map((change, index) => receiptOf(account, index, change)))
      return account
    }
    const brief = ({ sums }: Awaited<ReturnType<Journal['usage']>>) =>
      sums.map(({ key, slot, charged }) => [slot, Object.values(key).join('|'), charged])

    it('of a period comes from its totals, grouped by what was asked, the most expensive first', async () => {
      const account = await filled()
      expect(brief(await journal.usage(account, { epoch: 1, groupBy: ['model', 'category'] }))).toEqual([
        [0, 'ai_usage|openai/big', 300],
        [0, 'ai_usage|openai/mini', 30],
        [0, 'tool_calls|', 5],
      ])
      expect(brief(await journal.usage(account, { epoch: 1, employee: 'ada', groupBy: ['organization'] }))).toEqual([
        [0, 'acme', 310],
        [0, 'other', 5],
      ])
      expect(brief(await journal.usage(account, { epoch: 1, groupBy: [] }))).toEqual([[0, '', 335]])
    })

    it('of a range of days comes from the entries, cut into days', async () => {
      const account = await filled()
      const range = {
        fromMs: someTimeMs,
        toMs: someTimeMs + 3 * day,
        splitAtMs: [someTimeMs + day, someTimeMs + 2 * day],
      }
      const usage = await journal.usage(account, { ...range, groupBy: ['category'] })
      expect(brief(usage)).toEqual([
        [0, 'ai_usage', 10],
        [1, 'ai_usage', 320],
        [2, 'tool_calls', 6],
      ])
      expect(usage.sums[2]).toMatchObject({ units: 4, inputTokens: 1_000, outputTokens: 200 })
      expect(usage.complete).toBe(true)
    })

    it('is the same number from totals and from entries', async () => {
      const account = await filled()
      const groupBy = ['category', 'tier', 'model', 'item', 'employee', 'organization'] as const
      const fromTotals = await journal.usage(account, { epoch: 1, groupBy })
      expect(await journal.usage(account, { epoch: 1, fromMs: 0, groupBy })).toEqual(fromTotals)
      expect(fromTotals.sums).toHaveLength(4)
    })

    it('counts an adjustment on the day on which it was made', async () => {
      const account = newAccount()
      await journal.storeReceipts([
        receiptOf(account, 1, { kind: 'expired', charged: toMicro(60), atMs: someTimeMs }),
        receiptOf(account, 1, { charged: toMicro(20), atMs: someTimeMs + day, n: 2 }),
      ])
      const usage = await journal.usage(account, { groupBy: [], splitAtMs: [someTimeMs + day] })
      expect(brief(usage)).toEqual([
        [0, '', 60],
        [1, '', -40],
      ])
    })

    it('of nothing is nothing', async () => {
      expect(await journal.usage(newAccount(), { epoch: 1, groupBy: [] })).toEqual({ sums: [], complete: true })
      expect(await journal.usage(newAccount(), { groupBy: ['employee'], splitAtMs: [1, 2] })).toEqual({
        sums: [],
        complete: true,
      })
    })
  })

  it("a caller's idempotency key stands for the charge that came first", async () => {
    const accountId = newAccount()
    const first = {
      accountId,
      idempotencyKey: 'k\0'.repeat(5_000),
      chargeId: receiptOf(accountId, 1).id,
      requestHash: 'h1',
    }
    expect(await journal.findRequest(accountId, first.idempotencyKey)).toBeNull()
    expect(await journal.rememberRequest(first)).toEqual(first)
    expect(
      await journal.rememberRequest({ ...first, chargeId: receiptOf(accountId, 2).id, requestHash: 'h2' }),
    ).toEqual(first)
    expect(await journal.findRequest(accountId, first.idempotencyKey)).toEqual(first)
    expect(await journal.findRequest(newAccount(), first.idempotencyKey)).toBeNull()
  })
})

it('a journal in a folder is there again after it was closed', async () => {
  const folder = freshFolder()
  const account = newAccount()
  const before = await openJournal({ dataDir: folder.dataDir })
  await before.storeReceipts([receiptOf(account, 1), receiptOf(account, 2)])
  const { nowMs: _, ...totals } = await before.totals(account)
  await before.close()
  const after = await openJournal({ dataDir: folder.dataDir })
  await after.storeReceipts([receiptOf(account, 2)])
  expect(await after.totals(account)).toMatchObject(totals)
  expect(await after.receipt(account, receiptOf(account, 1).id)).toMatchObject(receiptOf(account, 1))
  await after.close()
  folder.remove()
})
