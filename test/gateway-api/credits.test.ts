import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { TemporalUnavailable } from '../../middleware/accounts.ts'
import { adminKey, type ApiStand, openApiStand } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const welcome = creditsToMicro(1000)
const cost = toMicro(250_000)

describe('accounts', () => {
  test('a user is signed up once, with the welcome bonus', async () => {
    const { accountId, key } = await stand.user()
    const again = { as: adminKey, body: { userId: accountId, email: `${accountId}@example.com` } }
    expect(await stand.ask('POST', '/admin/v1/accounts', again)).toMatchObject({
      status: 200,
      body: { accountId, plan: { id: 'free' } },
    })
    expect(await stand.ask('GET', `/admin/v1/accounts/${accountId}`, { as: adminKey })).toMatchObject({
      status: 200,
      body: { accountId, period: 1 },
    })
    expect(await stand.ask('GET', '/credits/v1/balance', { as: key })).toMatchObject({
      status: 200,
      body: {
        accountId,
        total: welcome,
        remaining: welcome,
        available: welcome,
        held: 0,
        used: 0,
        period: 1,
        projection: null,
        sources: [{ kind: 'welcome', left: welcome }],
      },
    })
  })

  test('a balance says where it is going', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId)
    const app = stand.another({ paces: { of: () => ({ spent: cost, overMs: 86_400_000 }), learn: async () => {} } })
    const { body } = await stand.ask('GET', '/credits/v1/balance', { as: key, app })
    // A quarter of a credit a day
    const days = Math.ceil((4 * (Date.parse(body.periodEnd) - Date.parse(body.serverTime))) / 86_400_000) / 4
    expect(body.projection).toMatchObject({ runOutAt: null, basisDays: 1 })
    expect(body.projection.leftAtEnd).toBeGreaterThan(welcome - cost - days * creditsToMicro(1) - 1)
    expect(body.projection.leftAtEnd).toBeLessThan(welcome - cost)
  })

  test('another e-mail address under the same id is a conflict', async () => {
    const { accountId } = await stand.user()
    const answer = await stand.ask('POST', '/admin/v1/accounts', {
      as: adminKey,
      body: { userId: accountId, email: 'other@example.com' },
    })
    expect(answer).toMatchObject({ status: 409, body: { error: { code: 'account_conflict' } } })
  })

  test('a grant is in the balance of its own answer, once per idempotency key', async () => {
    const { accountId, key } = await stand.user()
    const grant = (credits: unknown) =>
      stand.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
        as: adminKey,
        headers: { 'idempotency-key': 'pack-1' },
        body: { credits, source: 'pack', reason: '500 credits' },
      })
    const total = welcome + 500_500_000
    expect(await grant('500.5')).toMatchObject({
      status: 201,
      body: { id: 'pack-1', amount: 500_500_000, balance: { remaining: total } },
    })
    expect(await grant(500.5)).toMatchObject({ status: 201, body: { balance: { remaining: total } } })
    expect(await grant(7)).toMatchObject({ status: 409, body: { error: { code: 'grant_conflict' } } })
    const { body } = await stand.ask('GET', '/credits/v1/grants', { as: key })
    expect(body).toMatchObject({
      next: null,
      items: [
        { id: 'pack-1', source: 'pack', left: 500_500_000, status: 'active' },
        { source: 'welcome', resetsAt: null },
      ],
    })
    expect(body.items[0].resetsAt).not.toBeNull()
  })

  test('a grant for two periods says when it ends; one that resets has no periods', async () => {
    const { accountId, key } = await stand.user()
    const grant = (body: object) =>
      stand.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
        as: adminKey,
        body: { credits: '3', reason: 'sorry', ...body },
      })
    expect(await grant({ periods: 2 })).toMatchObject({ status: 201 })
    const [first] = (await stand.ask('GET', '/credits/v1/grants', { as: key })).body.items
    const balance = (await stand.ask('GET', '/credits/v1/balance', { as: key })).body
    expect(Date.parse(first.resetsAt)).toBeGreaterThan(Date.parse(balance.periodEnd))
    expect(await grant({ periods: 2, resets: true })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('periods') } },
    })
    expect(await grant({ periods: 2, source: 'pack' })).toMatchObject({ status: 400 })
  })

  test('grants come in pages', async () => {
    const { key, accountId } = await stand.user()
    await stand.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
      as: adminKey,
      body: { credits: 1, reason: 'sorry' },
    })
    const first = await stand.ask('GET', '/credits/v1/grants?limit=1', { as: key })
    expect(first.body.items).toMatchObject([{ source: 'adjustment' }])
    const second = await stand.ask('GET', `/credits/v1/grants?limit=1&cursor=${first.body.next}`, { as: key })
    expect(second.body).toMatchObject({ next: null, items: [{ source: 'welcome' }] })
  })

  test('an upgrade counts at once', async () => {
    const { accountId, key } = await stand.user()
    expect(
      await stand.ask('PUT', `/admin/v1/accounts/${accountId}/plan`, { as: adminKey, body: { plan: 'pro' } }),
    ).toMatchObject({ status: 200, body: { plan: 'pro' } })
    const { body } = await stand.ask('GET', '/credits/v1/balance', { as: key })
    expect(body.plan).toMatchObject({ id: 'pro', name: 'Pro' })
    expect(body.total).toBeGreaterThan(welcome)
  })

  test('a key’s secret is shown once, and a repeated request makes no second key', async () => {
    const { accountId } = await stand.user()
    const make = () =>
      stand.ask('POST', `/admin/v1/accounts/${accountId}/keys`, {
        as: adminKey,
        headers: { 'idempotency-key': 'k1' },
        body: { name: 'ci', employees: ['ada'] },
      })
    const made = await make()
    expect(made).toMatchObject({
      status: 201,
      body: { name: 'ci', employees: ['ada'], secret: expect.stringMatching(/^tg_live_/) },
    })
    expect(await make()).toMatchObject({
      status: 409,
      body: { error: { code: 'key_already_created', keyId: made.body.id } },
    })
    const { body } = await stand.ask('GET', `/admin/v1/accounts/${accountId}/keys`, { as: adminKey })
    expect(body.items).toHaveLength(2)
    expect(JSON.stringify(body)).not.toContain('secret')
  })
})

describe('a charge', () => {
  test('is on its receipt before it is in the journal, and the same after', async () => {
    const { accountId, key } = await stand.user()
    const id = await stand.charge(accountId, { amount: cost, quantities: { cachedTokens: 300, reasoningTokens: 50 } })
    const before = await stand.ask('GET', `/credits/v1/receipts/${id}`, { as: key })
    expect(before).toMatchObject({
      status: 200,
      body: {
        id,
        tier: 'fast',
        model: 'openai/gpt-5-nano',
        priceVersion: 'p1',
        tokens: { input: 1_000, cached: 300, output: 200, reasoning: 50 },
        charged: cost,
        total: cost,
        uncollected: 0,
        state: 'settled',
      },
    })
    expect(before.body.lines.reduce((total: number, line: { credits: number }) => total + line.credits, 0)).toBe(cost)
    await stand.drain(accountId)
    expect((await stand.ask('GET', `/credits/v1/receipts/${id}`, { as: key })).body).toEqual(before.body)
  })

  test('counts once in a message’s cost, drained or not, with its internal and free work', async () => {
    const { accountId, key } = await stand.user()
    const detail = { messageId: 'message-1' }
    await stand.charge(accountId, {
      amount: cost,
      detail: { ...detail, lines: [{ kind: 'input', quantity: 1_000, unit: 'token', rate: '250', amount: cost }] },
    })
    await stand.drain(accountId)
    await stand.charge(accountId, {
      amount: toMicro(40),
      row: { category: 'internal', item: 'safety', tier: '' },
      detail,
    })
    await stand.charge(accountId, {
      amount: toMicro(0),
      row: { category: 'tool_calls', item: 'search', tier: '', model: '' },
      detail,
    })
    const { status, body } = await stand.ask('GET', '/credits/v1/messages/message-1', { as: key })
    expect(status).toBe(200)
    expect(body).toMatchObject({ state: 'final', total: cost + 40, tier: 'fast', model: 'openai/gpt-5-nano' })
    expect(body.entryIds).toHaveLength(3)
    expect(body.lines).toMatchObject([
      { kind: 'input', credits: cost, rate: '250' },
      { kind: 'internal', label: 'Safety checks', credits: 40 },
      { kind: 'tool', label: 'Search', free: true, credits: 0 },
    ])
  })

  test('of several messages at once: of those that were charged, in the order in which they were asked for', async () => {
    const { accountId, key } = await stand.user()
    const stranger = await stand.user()
    const [first, second, third] = ['m 1', 'm&2', 'm,3'] as const
    await stand.charge(accountId, { amount: cost, detail: { messageId: first } })
    await stand.drain(accountId)
    await stand.charge(accountId, { amount: toMicro(7), detail: { messageId: first } })
    await stand.charge(accountId, { amount: toMicro(9), detail: { messageId: second } })
    await stand.charge(stranger.accountId, { amount: toMicro(11), detail: { messageId: third } })
    const asked = (...ids: string[]) => {
      const query = new URLSearchParams(ids.map((id): [string, string] => ['id', id]))
      return stand.ask('GET', `/credits/v1/messages?${query.toString()}`, { as: key })
    }
    const { status, body } = await asked(third, second, first, second)
    expect(status).toBe(200)
    expect(body.items).toMatchObject([
      { messageId: second, total: 9 },
      { messageId: first, total: cost + 7 },
    ])
    const { body: one } = await stand.ask('GET', `/credits/v1/messages/${encodeURIComponent(first)}`, { as: key })
    expect(body.items[1]).toEqual(one)
    expect((await asked(second)).body.items).toHaveLength(1)
    expect((await asked(...Array.from({ length: 26 }, (_, place) => `m${place}`))).status).toBe(400)
    expect((await stand.ask('GET', '/credits/v1/messages', { as: key })).status).toBe(400)
  })

  test('of a message is final when a call that cost nothing failed and another one answered', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId, { amount: toMicro(0), detail: { messageId: 'm', outcome: 'failed' } })
    expect((await stand.ask('GET', '/credits/v1/messages/m', { as: key })).body).toMatchObject({ state: 'not_charged' })
    await stand.charge(accountId, { amount: cost, detail: { messageId: 'm', outcome: 'finished' } })
    expect((await stand.ask('GET', '/credits/v1/messages/m', { as: key })).body).toMatchObject({
      state: 'final',
      total: cost,
    })
  })

  test('that could not be collected whole still has lines that sum to its message’s total', async () => {
    const { accountId, key } = await stand.user()
    const amount = toMicro(welcome + 500)
    await stand.charge(accountId, {
      amount,
      detail: {
        messageId: 'm',
        outcome: 'stopped_at_zero',
        lines: [{ kind: 'output', quantity: 1, unit: 'token', rate: '', amount }],
      },
    })
    const { body } = await stand.ask('GET', '/credits/v1/messages/m', { as: key })
    expect(body).toMatchObject({ state: 'partial', total: welcome })
    expect(body.lines.reduce((total: number, line: { credits: number }) => total + line.credits, 0)).toBe(welcome)
    expect((await stand.ask('GET', '/credits/v1/balance', { as: key })).body).toMatchObject({
      remaining: 0,
      used: welcome,
    })
  })

  test('is in balance, usage, history, activity and grants, all the same number', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId, { amount: cost, row: { employee: 'ada' } })
    await stand.drain(accountId)
    await stand.charge(accountId, {
      amount: cost,
      row: { tier: 'advanced', model: 'openai/gpt-5', organization: 'acme' },
    })
    const get = async (path: string) => (await stand.ask('GET', `/credits/v1/${path}`, { as: key })).body
    const used = 2 * cost
    expect(await get('balance')).toMatchObject({
      used,
      remaining: welcome - used,
      sources: [{ kind: 'welcome', left: welcome - used }],
    })
    expect(await get('history')).toMatchObject({ items: [{ period: 1, used, current: true }] })
    expect((await get('grants')).items).toMatchObject([{ source: 'welcome', left: welcome - used }])
    const activity = await get('activity')
    expect(activity.items).toMatchObject([
      { tier: 'advanced', orgId: 'acme', credits: cost },
      { tier: 'fast', employeeId: 'ada', credits: cost },
    ])
    for (const groupBy of ['category', 'tier', 'model', 'employee', 'organization']) {
      const usage = await get(`usage?groupBy=${groupBy}`)
      expect([groupBy, usage.total]).toEqual([groupBy, used])
      expect(sumOf(usage.rows)).toBe(used)
      expect(
        usage.days
          .flatMap(({ byKey }: { byKey: Record<string, number> }) => Object.values(byKey))
          .reduce((total: number, amount: number) => total + amount, 0),
      ).toBe(used)
    }
  })

  test('falls under category, tier and model; every category is there, used or not', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId, { amount: cost })
    await stand.charge(accountId, {
      amount: toMicro(4_000_000),
      row: { category: 'voice_calls', item: 'meeting', tier: '', model: '' },
      quantities: { units: 60_000 },
    })
    const { body } = await stand.ask('GET', '/credits/v1/usage', { as: key })
    expect(body.rows.map(({ key: name }: { key: string }) => name)).toEqual([
      'ai_usage',
      'tool_calls',
      'internal',
      'compute_runtime',
      'tasks_completed',
      'voice_calls',
    ])
    const [ai, , internal, , , voice] = body.rows
    expect(ai).toMatchObject({
      credits: cost,
      quantity: 1_200,
      unit: 'tokens',
      children: [
        { key: 'ai_usage/fast', credits: cost, children: [{ key: 'ai_usage/fast/openai/gpt-5-nano', credits: cost }] },
        { key: 'ai_usage/standard', credits: 0 },
        { key: 'ai_usage/advanced', credits: 0 },
      ],
    })
    expect(internal.children).toMatchObject([
      { label: 'Safety checks', credits: 0 },
      { label: 'Memory processing', credits: 0 },
    ])
    expect(voice).toMatchObject({
      credits: 4_000_000,
      quantity: 60_000,
      unit: 'ms',
      children: [
        { label: 'Meeting attendance', credits: 4_000_000 },
        { label: 'Voice conversations', credits: 0 },
      ],
    })
  })

  test('of every item that the catalogue names has words for it, not its id', async () => {
    const { accountId, key } = await stand.user()
    const items = stand.deps.catalogue.activities.flatMap((activity) =>
      'item' in activity && activity.item !== '' ? [activity] : [],
    )
    for (const { category, item } of items)
      await stand.charge(accountId, { amount: toMicro(1), row: { category, item, tier: '', model: '' } })
    const { body } = await stand.ask('GET', '/credits/v1/usage', { as: key })
    const labels = (body.rows as { children?: { label: string }[] }[]).flatMap(({ children = [] }) =>
      children.map(({ label }) => label),
    )
    expect(labels.filter((label) => /[._]/.test(label))).toEqual([])
    expect(labels).toEqual(expect.arrayContaining(['Image generation, HD', 'Connected apps']))
  })

  test('is found by range, and by who it was for', async () => {
    const { accountId, key } = await stand.user()
    await stand.charge(accountId, { amount: cost, row: { employee: 'ada' } })
    await stand.drain(accountId)
    await stand.charge(accountId, { amount: toMicro(7), row: { employee: 'bo' } })
    const today = new Date().toISOString().slice(0, 10)
    const total = async (query: string) =>
      (await stand.ask('GET', `/credits/v1/usage?${query}`, { as: key })).body.total
    expect(await total(`from=${today}&to=${today}`)).toBe(cost + 7)
    expect(await total('from=2024-01-01&to=2024-01-31')).toBe(0)
    expect(await total('employee=bo')).toBe(7)
    expect(await total(`from=${today}&to=${today}&employee=ada`)).toBe(cost)
    expect((await stand.ask('GET', '/credits/v1/activity?employee=bo', { as: key })).body.items).toHaveLength(1)
  })

  test('pages of activity leave nothing out and repeat nothing', async () => {
    const { accountId, key } = await stand.user()
    const ids = []
    for (let index = 0; index < 5; index += 1) ids.push(await stand.charge(accountId, { amount: toMicro(1 + index) }))
    await stand.drain(accountId)
    const seen: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const { body }: { body: { items: { entryId: string }[]; next: string | null } } = await stand.ask(
        'GET',
        `/credits/v1/activity?limit=2${next === '' ? '' : `&cursor=${next}`}`,
        { as: key },
      )
      seen.push(...body.items.map(({ entryId }) => entryId))
      next = body.next
    }
    expect(seen).toEqual(ids.toReversed())
  })
})

describe('another account', () => {
  test('sees nothing of a charge: not its receipt, message, employee, activity or usage', async () => {
    const [owner, stranger] = [await stand.user(), await stand.user()]
    const id = await stand.charge(owner.accountId, { detail: { messageId: 'secret-message' } })
    await stand.ask('POST', '/credits/v1/employees', { as: owner.key, body: { id: 'ada', name: 'Ada' } })
    const looks = async () => {
      expect(await stand.ask('GET', `/credits/v1/receipts/${id}`, { as: stranger.key })).toMatchObject({
        status: 404,
        body: { error: { code: 'receipt_unknown' } },
      })
      expect(await stand.ask('GET', '/credits/v1/messages/secret-message', { as: stranger.key })).toMatchObject({
        status: 404,
      })
      expect(await stand.ask('GET', '/credits/v1/employees', { as: stranger.key })).toMatchObject({
        body: { items: [] },
      })
      expect(
        await stand.ask('PATCH', '/credits/v1/employees/ada', { as: stranger.key, body: { name: 'Mine' } }),
      ).toMatchObject({ status: 404 })
      expect(await stand.ask('GET', '/credits/v1/activity', { as: stranger.key })).toMatchObject({
        body: { items: [] },
      })
      expect(await stand.ask('GET', '/credits/v1/usage', { as: stranger.key })).toMatchObject({ body: { total: 0 } })
    }
    await looks()
    await stand.drain(owner.accountId)
    await looks()
    expect(
      await stand.ask('DELETE', `/admin/v1/accounts/${stranger.accountId}/keys/${owner.keyId}`, { as: adminKey }),
    ).toMatchObject({ status: 404 })
    expect(await stand.ask('GET', '/credits/v1/balance', { as: owner.key })).toMatchObject({ status: 200 })
  })
})

describe('employees', () => {
  test('are created, changed, archived and brought back', async () => {
    const { key } = await stand.user()
    const employee = { id: 'ada', name: 'Ada', tier: 'fast', organization: 'acme', model: '' }
    expect(await stand.ask('POST', '/credits/v1/employees', { as: key, body: employee })).toMatchObject({
      status: 201,
      body: { ...employee, archived: false },
    })
    expect(await stand.ask('POST', '/credits/v1/employees', { as: key, body: employee })).toMatchObject({ status: 200 })
    expect(
      await stand.ask('POST', '/credits/v1/employees', { as: key, body: { ...employee, tier: 'advanced' } }),
    ).toMatchObject({ status: 409, body: { error: { code: 'employee_conflict' } } })
    expect(
      await stand.ask('PATCH', '/credits/v1/employees/ada', { as: key, body: { tier: 'advanced' } }),
    ).toMatchObject({ status: 200, body: { name: 'Ada', tier: 'advanced' } })
    expect(await stand.ask('DELETE', '/credits/v1/employees/ada', { as: key })).toMatchObject({
      status: 200,
      body: { archived: true },
    })
    expect(await stand.ask('DELETE', '/credits/v1/employees/ada', { as: key })).toMatchObject({
      status: 200,
      body: { archived: true },
    })
    expect((await stand.ask('GET', '/credits/v1/employees', { as: key })).body.items).toEqual([])
    expect((await stand.ask('GET', '/credits/v1/employees?archived=true', { as: key })).body.items).toHaveLength(1)
    expect(await stand.ask('PATCH', '/credits/v1/employees/ada', { as: key, body: { archived: false } })).toMatchObject(
      { status: 200, body: { archived: false } },
    )
  })

  test('without an id are made once per idempotency key', async () => {
    const { key } = await stand.user()
    const make = () =>
      stand.ask('POST', '/credits/v1/employees', {
        as: key,
        headers: { 'idempotency-key': 'e1' },
        body: { name: 'Ada' },
      })
    const [first, second] = [await make(), await make()]
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body).toEqual(first.body)
  })
})

describe('with a part away', () => {
  const charged = async () => {
    const { accountId, key } = await stand.user()
    const id = await stand.charge(accountId, { amount: cost, detail: { messageId: 'm1' } })
    return { accountId, key, id }
  }
  const statuses = async (app: ReturnType<ApiStand['another']>, key: string, paths: readonly string[]) =>
    Object.fromEntries(
      await Promise.all(
        paths.map(async (path) => {
          const { status, body, headers } = await stand.ask('GET', `/credits/v1/${path}`, { as: key, app })
          const code = status === 503 && headers.get('retry-after') === null ? 'no Retry-After' : body.error?.code
          return [path, status === 200 ? 200 : code] as const
        }),
      ),
    )

  test('without Temporal only what the account workflow knows is refused', async () => {
    const { key, id } = await charged()
    const away = () => Promise.reject(new TemporalUnavailable('gone'))
    const app = stand.another({ accounts: new Proxy(stand.deps.accounts, { get: () => away }) })
    expect(
      await statuses(app, key, [
        'balance',
        'usage',
        `receipts/${id}`,
        'messages/m1',
        'activity',
        'employees',
        'plans',
        'history',
        'grants',
      ]),
    ).toEqual({
      balance: 200,
      usage: 200,
      [`receipts/${id}`]: 200,
      'messages/m1': 200,
      activity: 200,
      employees: 200,
      plans: 200,
      history: 'temporal_unavailable',
      grants: 'temporal_unavailable',
    })
  })

  test('without the journal this period’s balance, usage and new receipts go on', async () => {
    const { key, id } = await charged()
    const away = () => Promise.reject(new JournalUnavailable('gone'))
    const app = stand.another({ journal: new Proxy(stand.deps.journal, { get: () => away }) })
    expect(
      await statuses(app, key, [
        'balance',
        'usage',
        `receipts/${id}`,
        'receipts/0mh3k2a1b.other',
        'messages/m1',
        'activity',
        'employees',
      ]),
    ).toEqual({
      balance: 200,
      usage: 200,
      [`receipts/${id}`]: 200,
      'receipts/0mh3k2a1b.other': 'journal_unavailable',
      'messages/m1': 'journal_unavailable',
      activity: 'journal_unavailable',
      employees: 200,
    })
    expect((await stand.ask('GET', '/credits/v1/usage', { as: key, app })).body).toMatchObject({
      total: cost,
      days: null,
    })
  })

  test('without the ledger nothing is guessed', async () => {
    const { key } = await charged()
    const away = () => Promise.reject(new LedgerUnavailable('gone'))
    const app = stand.another({ ledger: { read: away, inspect: away }, undrained: away })
    for (const [path, answer] of Object.entries(
      await statuses(app, key, ['balance', 'usage', 'activity', 'employees']),
    )) {
      expect([path, answer]).toEqual([path, 'ledger_unavailable'])
    }
  })

  test('an account that left the ledger comes back by itself', async () => {
    const { key, accountId } = await charged()
    await stand.drain(accountId)
    await stand.redis.flushall()
    expect(await stand.ask('GET', '/credits/v1/balance', { as: key })).toMatchObject({
      status: 200,
      body: { used: cost, epoch: expect.stringMatching(/^\d+\.1$/) },
    })
  })
})

function sumOf(rows: readonly { credits: number }[]): number {
  return rows.reduce((total, row) => total + row.credits, 0)
}
