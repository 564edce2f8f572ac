import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { receiptOf } from '../journal/receipts.ts'
import { type ApiStand, openApiStand } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const columns =
  'time_utc,period,organization,employee,category,tier,model,description,quantity,unit,credits,message_id,entry_id'

/** The lines of a sheet below its head; none of the cells in these tests holds a line break. */
function linesOf(sheet: string): readonly string[][] {
  const [head, ...lines] = sheet.split('\r\n')
  expect(head).toBe(columns)
  expect(lines.pop()).toBe('')
  return lines.map((line) => line.split(','))
}

const creditsOf = (lines: readonly string[][]): number =>
  lines.reduce((total, cells) => total + Math.sign(Number(cells[10])) * creditsToMicro(cells[10]!.replace('-', '')), 0)

describe('the export', () => {
  test('is a sheet of every charge, in the journal or on its way there, and sums to the usage', async () => {
    const { accountId, key } = await stand.user()
    const first = await stand.charge(accountId, {
      amount: toMicro(1_234_567),
      row: { employee: 'ada', organization: 'lab' },
      detail: { messageId: 'msg-1' },
    })
    await stand.drain(accountId)
    const second = await stand.charge(accountId, {
      amount: creditsToMicro('0.05'),
      row: { category: 'tool_calls', tier: '', model: '', item: 'gmail' },
    })
    const { status, body, headers } = await stand.ask('GET', '/credits/v1/export.csv', { as: key })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(headers.get('content-disposition')).toMatch(
      /^attachment; filename="credit-usage_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d_UTC\.csv"$/,
    )
    const lines = linesOf(body)
    expect(lines.map((cells) => cells.slice(1))).toEqual([
      ['1', '', '', 'tool_calls', '', '', 'Gmail', '1', 'calls', '0.05', '', second],
      ['1', 'lab', 'ada', 'ai_usage', 'fast', 'openai/gpt-5-nano', '', '1200', 'tokens', '1.234567', 'msg-1', first],
    ])
    expect(lines.every(([time]) => !Number.isNaN(Date.parse(time!)) && time!.endsWith('Z'))).toBe(true)
    const usage = await stand.ask('GET', '/credits/v1/usage', { as: key })
    expect(creditsOf(lines)).toBe(usage.body.total)
  })

  test('begins with the mark that tells a spreadsheet of its letters', async () => {
    const { key } = await stand.user()
    const answer = await stand.app.request('/credits/v1/export.csv', { headers: { authorization: `Bearer ${key}` } })
    expect([...new Uint8Array(await answer.arrayBuffer()).subarray(0, 4)]).toEqual([
      0xef,
      0xbb,
      0xbf,
      't'.charCodeAt(0),
    ])
  })

  test('has what was asked for: a period, days, an organization, an employee', async () => {
    const { accountId, key } = await stand.user()
    for (const employee of ['ada', 'bob'])
      await stand.charge(accountId, { row: { employee, organization: `of-${employee}` } })
    await stand.drain(accountId)
    await stand.charge(accountId, { row: { employee: 'ada', organization: 'of-ada' } })
    const count = async (query: string): Promise<number> =>
      linesOf((await stand.ask('GET', `/credits/v1/export.csv?${query}`, { as: key })).body).length
    const today = new Date().toISOString().slice(0, 10)
    expect(await count('period=1')).toBe(3)
    expect(await count(`from=${today}&to=${today}`)).toBe(3)
    expect(await count('from=2020-01-01&to=2020-01-31')).toBe(0)
    expect(await count('employee=ada')).toBe(2)
    expect(await count('organization=of-bob')).toBe(1)
  })

  test('a charge that was adjusted has two lines, also while the second is on its way', async () => {
    const { accountId, key } = await stand.user()
    const expired = { kind: 'expired' as const, charged: toMicro(500_000), detail: null, atMs: Date.now() }
    await stand.stores.journal.storeReceipts([receiptOf(accountId, 1, expired)])
    const settled = receiptOf(accountId, 2, { charged: toMicro(200_000), atMs: Date.now() })
    const { id } = receiptOf(accountId, 1, expired)
    const waiting = stand.another({ undrained: async (_, fits) => [{ ...settled, id }].filter(fits) })
    const { body } = await stand.ask('GET', '/credits/v1/export.csv', { as: key, app: waiting })
    expect(linesOf(body).map((cells) => [cells[10], cells[12]])).toEqual([
      ['-0.3', id],
      ['0.5', id],
    ])
    await stand.stores.journal.storeReceipts([{ ...settled, id }])
    const drained = await stand.ask('GET', '/credits/v1/export.csv', { as: key })
    expect(creditsOf(linesOf(drained.body))).toBe(200_000)
    // Drained between the look at the stream and the journal: once
    const again = await stand.ask('GET', '/credits/v1/export.csv', { as: key, app: waiting })
    expect(linesOf(again.body)).toHaveLength(2)
  })

  test('text that a spreadsheet would run is only text, and a comma is within its cell', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId, {
      row: { category: 'tool_calls', tier: '', model: '', item: '=SUM(A1:A9)' },
      detail: { messageId: '@msg, "one"' },
    })
    const { body } = await stand.ask('GET', '/credits/v1/export.csv', { as: key })
    expect(body).toContain(`,'=SUM(A1:A9),1,calls,0.25,"'@msg, ""one""",`)
  })

  test('comes page by page, each charge once', async () => {
    const { accountId, key } = await stand.user()
    const atMs = Date.now()
    await stand.stores.journal.storeReceipts(
      Array.from({ length: 450 }, (_, index) => receiptOf(accountId, index + 1, { charged: toMicro(1), atMs })),
    )
    const lines = linesOf((await stand.ask('GET', '/credits/v1/export.csv', { as: key })).body)
    expect(lines).toHaveLength(450)
    expect(new Set(lines.map((cells) => cells[12])).size).toBe(450)
    expect(creditsOf(lines)).toBe(450)
  })

  test('is refused for what is no selection, and while the journal is away', async () => {
    const { key } = await stand.user()
    expect(await stand.ask('GET', '/credits/v1/export.csv?from=2026-01-01', { as: key })).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid_request' } },
    })
    expect(await stand.ask('GET', '/credits/v1/export.csv?period=9', { as: key })).toMatchObject({ status: 404 })
    expect(await stand.ask('GET', '/credits/v1/export.csv')).toMatchObject({ status: 401 })
    const away = { ...stand.deps.journal, activity: () => Promise.reject(new JournalUnavailable('away')) }
    const app = stand.another({ journal: away })
    expect(await stand.ask('GET', '/credits/v1/export.csv', { as: key, app })).toMatchObject({
      status: 503,
      body: { error: { code: 'journal_unavailable' } },
    })
  })

  test('breaks off, rather than end, where the journal goes away in the middle', async () => {
    const { accountId, key } = await stand.user()
    await stand.stores.journal.storeReceipts(
      Array.from({ length: 300 }, (_, index) => receiptOf(accountId, index + 1, { atMs: Date.now() })),
    )
    let pages = 0
    const { journal } = stand.deps
    const going: typeof journal = {
      ...journal,
      activity: (account, query) => {
        pages += 1
        return pages > 1 ? Promise.reject(new JournalUnavailable('away')) : journal.activity(account, query)
      },
    }
    const answer = await stand
      .another({ journal: going })
      .request('/credits/v1/export.csv', { headers: { authorization: `Bearer ${key}` } })
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toThrow(JournalUnavailable)
  })
})
