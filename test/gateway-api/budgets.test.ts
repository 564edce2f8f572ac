import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { hold, spend } from '../workflows/ledger-stand.ts'
import { adminKey, type Answer, type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const credits = creditsToMicro
const budgets = async ({ key }: Pick<TestUser, 'key'>): Promise<Answer['body']> =>
  (await stand.ask('GET', '/credits/v1/budgets', { as: key })).body
const set = ({ key }: Pick<TestUser, 'key'>, level: string, rule: object = {}) =>
  stand.ask('PUT', `/credits/v1/budgets/${level}`, {
    as: key,
    body: { limit: credits(10), window: 'day', atLimit: 'pause', ...rule },
  })
const hire = ({ key }: Pick<TestUser, 'key'>, id: string, organization = '') =>
  stand.ask('POST', '/credits/v1/employees', { as: key, body: { id, name: id.toUpperCase(), organization } })
/** What a call of these levels meets. */
async function ask(accountId: string, levels: readonly string[], amount = 1): Promise<string> {
  const request = {
    accountId,
    id: chargeId(Date.now(), crypto.randomUUID()),
    amount: credits(amount),
    minimum: credits(amount),
    ttlMs: 60_000,
    row: { category: 'tool_calls', tier: '', model: '', item: 'app', employee: '', organization: '' },
    levels,
  } as const
  const first = await stand.stores.ledger.reserve(request)
  const answer =
    first.status === 'ask_journal' ? await stand.stores.ledger.reserve(request, { ...first, found: null }) : first
  return answer.status === 'budget_exhausted' ? `${answer.status} ${answer.level}` : answer.status
}

describe('a budget', () => {
  test('refuses the next call of its employee alone, at once; raised it lets it go on', async () => {
    const user = await stand.user()
    await hire(user, 'ada')
    await hire(user, 'bo')
    expect((await set(user, 'employee:ada')).body.items).toMatchObject([
      {
        id: 'employee:ada',
        level: 'employee',
        subjectId: 'ada',
        name: 'ADA',
        used: 0,
        left: credits(10),
        status: 'ok',
        version: expect.any(Number),
      },
    ])
    await hold(stand.stores.ledger, user.accountId, credits(9), 60_000, ['employee:ada'])
    expect(await ask(user.accountId, ['employee:ada'], 2)).toBe('budget_exhausted employee:ada')
    expect(await ask(user.accountId, ['employee:bo'], 2)).toBe('created')
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const raised = await stand.ask('POST', '/credits/v1/budgets/employee:ada/raise', {
      as: user.key,
      body: { limit: credits(50), until },
    })
    expect(raised.body.items).toMatchObject([{ limit: credits(50), raisedUntil: until }])
    expect(await ask(user.accountId, ['employee:ada'], 2)).toBe('created')
    await set(user, 'employee:ada', { limit: credits(5) })
    expect(await ask(user.accountId, ['employee:ada'])).toBe('budget_exhausted employee:ada')
    await stand.ask('DELETE', '/credits/v1/budgets/employee:ada', { as: user.key })
    expect(await ask(user.accountId, ['employee:ada'])).toBe('created')
  })

  test('that only notifies refuses nothing', async () => {
    const user = await stand.user()
    await hire(user, 'ada')
    await set(user, 'employee:ada', { limit: 1, atLimit: 'notify' })
    expect(await ask(user.accountId, ['employee:ada'], 3)).toBe('created')
  })

  test('shows what its window has used, and when that ends', async () => {
    const user = await stand.user()
    await hire(user, 'ada')
    await set(user, 'employee:ada', { limit: credits(10), window: 'total' })
    const { ledger } = stand.stores
    await spend(ledger, user.accountId, credits(8), ['employee:ada'])
    expect((await budgets(user)).items).toMatchObject([
      { used: credits(8), left: credits(2), status: 'warn', window: 'total', windowEndsAt: null },
    ])
    await spend(ledger, user.accountId, credits(2), ['employee:ada'])
    expect((await budgets(user)).items).toMatchObject([{ left: 0, status: 'reached' }])
  })

  test('of an organization or a task holds for all who work for it, beside the others', async () => {
    const user = await stand.user()
    await hire(user, 'ada', 'lab')
    expect(await set(user, 'organization:nowhere')).toMatchObject({
      status: 404,
      body: { error: { code: 'organization_unknown' } },
    })
    expect(await set(user, 'organization:lab', { limit: credits(3) })).toMatchObject({ status: 200 })
    expect(await set(user, 'task:report', { limit: credits(2) })).toMatchObject({ status: 200 })
    const { accountId } = user
    expect(await ask(accountId, ['organization:lab', 'employee:ada', 'task:report'], 2)).toBe('created')
    expect(await ask(accountId, ['organization:lab', 'employee:ada', 'task:report'])).toBe(
      'budget_exhausted task:report',
    )
    expect(await ask(accountId, ['organization:lab', 'employee:ada'], 2)).toBe('budget_exhausted organization:lab')
  })

  test('is not changed by whoever saw another version, and not for nobody', async () => {
    const user = await stand.user()
    await hire(user, 'ada')
    const [{ version }] = (await set(user, 'employee:ada')).body.items
    await set(user, 'employee:ada', { limit: credits(20), expectedVersion: version })
    expect(await set(user, 'employee:ada', { limit: credits(30), expectedVersion: version })).toMatchObject({
      status: 409,
      body: { error: { code: 'version_conflict' } },
    })
    expect((await budgets(user)).items).toMatchObject([{ limit: credits(20) }])
    expect(await set(user, 'employee:nobody')).toMatchObject({
      status: 404,
      body: { error: { code: 'employee_unknown' } },
    })
    for (const [level, rule] of [
      ['employee', {}],
      ['employee:ada', { limit: 0 }],
      ['employee:ada', { window: 'year' }],
    ] as const)
      expect(await set(user, level, rule)).toMatchObject({ status: 400 })
    const raise = { limit: credits(1), until: '2030-01-01T00:00:00Z' }
    expect(await stand.ask('POST', '/credits/v1/budgets/task:none/raise', { as: user.key, body: raise })).toMatchObject(
      {
        status: 404,
        body: { error: { code: 'budget_unknown' } },
      },
    )
  })

  test('of employees to come is theirs from their first use', async () => {
    const user = await stand.user()
    expect((await set(user, 'default', { limit: credits(7) })).body).toMatchObject({
      items: [],
      forNewEmployees: { limit: credits(7), window: 'day', atLimit: 'pause' },
    })
    const card = { id: 'new', name: 'new', organization: '', tier: 'fast', model: '', archived: false } as const
    await stand.deps.accounts.saveEmployee(user.accountId, { ...card, mode: 'first_use' })
    expect((await budgets(user)).items).toMatchObject([{ id: 'employee:new', limit: credits(7) }])
  })

  test('cannot be set with a key that is made for calls', async () => {
    const user = await stand.user()
    const made = await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/keys`, { as: adminKey, body: {} })
    const key = made.body.secret as string
    expect(await set({ key }, 'task:one')).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
    expect(await stand.ask('POST', '/credits/v1/organizations', { as: key, body: { name: 'Lab' } })).toMatchObject({
      status: 403,
    })
  })

  test('is on the feed when it changes, by whatever', async () => {
    const user = await stand.user()
    await hire(user, 'ada')
    const feed = await stand.app.request('/credits/v1/feed', { headers: { authorization: `Bearer ${user.key}` } })
    const reader = feed.body!.pipeThrough(new TextDecoderStream()).getReader()
    let told = ''
    const hears = async (words: string) => {
      while (!told.includes(words)) told += (await reader.read()).value
    }
    await set(user, 'employee:ada')
    await hears('event: budget')
    await spend(stand.stores.ledger, user.accountId, toMicro(9_000_000), ['employee:ada'])
    await hears('"used":9000000,"left":1000000,"atLimit":"pause","status":"critical"')
    expect(told).toContain('event: debit')
    await reader.cancel()
  })
})

describe('an organization', () => {
  test('is created, renamed, archived and brought back', async () => {
    const user = await stand.user()
    const ask = (method: string, path: string, body?: object) =>
      stand.ask(method, `/credits/v1/organizations${path}`, { as: user.key, ...(body === undefined ? {} : { body }) })
    expect(await ask('POST', '', { id: 'lab', name: 'Lab' })).toMatchObject({ status: 201 })
    expect(await ask('POST', '', { id: 'lab', name: 'Lab' })).toMatchObject({ status: 200 })
    expect(await ask('POST', '', { id: 'lab', name: 'Shop' })).toMatchObject({
      status: 409,
      body: { error: { code: 'organization_conflict' } },
    })
    expect((await ask('PATCH', '/lab', { name: 'Labs', archived: true })).body).toEqual({
      id: 'lab',
      name: 'Labs',
      archived: true,
    })
    expect((await ask('GET', '')).body.items).toEqual([])
    expect((await ask('GET', '?archived=true')).body.items).toHaveLength(1)
    expect((await ask('PATCH', '/lab', { archived: false })).body.archived).toBe(false)
    expect(await ask('PATCH', '/none', { name: 'x' })).toMatchObject({
      status: 404,
      body: { error: { code: 'organization_unknown' } },
    })
  })

  test('spends the one balance, and is told apart in every view', async () => {
    const user = await stand.user()
    await stand.charge(user.accountId, { amount: credits(3), row: { organization: 'lab', employee: 'ada' } })
    await stand.charge(user.accountId, { amount: credits(2), row: { organization: 'shop', employee: 'bo' } })
    const get = async (path: string) => (await stand.ask('GET', path, { as: user.key })).body
    expect((await get('/credits/v1/balance')).used).toBe(credits(5))
    expect((await get('/credits/v1/usage?organization=lab')).total).toBe(credits(3))
    expect((await get('/credits/v1/usage?organization=shop')).total).toBe(credits(2))
    const grouped = await get('/credits/v1/usage?groupBy=organization')
    expect(grouped.rows.map(({ key, credits: spent }: Answer['body']) => [key, spent])).toEqual([
      ['lab', credits(3)],
      ['shop', credits(2)],
    ])
    await stand.drain(user.accountId)
    const activity = await get('/credits/v1/activity?organization=shop')
    expect(activity.items).toMatchObject([{ orgId: 'shop', credits: credits(2) }])
    const sheet = await stand.ask('GET', '/credits/v1/export.csv?organization=lab', { as: user.key })
    expect(sheet.body.trim().split('\n')).toHaveLength(2)
  })
})
