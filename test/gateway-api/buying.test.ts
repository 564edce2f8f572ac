import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { createTestCheckout } from '../../gateway/checkout/checkout.ts'
import { grantForgotten } from '../../gateway/checkout/orders.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { TemporalUnavailable } from '../../middleware/accounts.ts'
import { adminKey, type Answer, type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const credits = creditsToMicro
const order = ({ key }: TestUser, body: object, headers: Readonly<Record<string, string>> = {}, app = stand.app) =>
  stand.ask('POST', '/credits/v1/checkouts', { as: key, body, headers, app })
const pay = ({ key }: TestUser, id: string, app = stand.app): Promise<Answer> =>
  stand.ask('POST', `/credits/v1/checkouts/${id}/pay`, { as: key, body: {}, app })
const read = async ({ key }: TestUser, id: string) =>
  (await stand.ask('GET', `/credits/v1/checkouts/${id}`, { as: key })).body
const total = async ({ key }: TestUser): Promise<number> =>
  (await stand.ask('GET', '/credits/v1/balance', { as: key })).body.total
const subscription = async ({ key }: TestUser) => (await stand.ask('GET', '/credits/v1/subscription', { as: key })).body
const change = ({ key }: TestUser, plan: string) =>
  stand.ask('PUT', '/credits/v1/subscription', { as: key, body: { plan } })

test('a key that is made for calls changes no plan, buys nothing and invites nobody', async () => {
  const { accountId } = await stand.user()
  const made = await stand.ask('POST', `/admin/v1/accounts/${accountId}/keys`, { as: adminKey, body: {} })
  const user = { accountId, key: made.body.secret as string, keyId: made.body.id as string }
  const refused = { status: 403, body: { error: { code: 'forbidden' } } }
  expect(await change(user, 'free')).toMatchObject(refused)
  expect(await order(user, { pack: 'small' })).toMatchObject(refused)
  const invites = { as: user.key, body: { emails: ['friend@example.com'] } }
  expect(await stand.ask('POST', '/credits/v1/invites', invites)).toMatchObject(refused)
})

test('a plan that was bought is given once: what its user did since stands', async () => {
  const user = await stand.user()
  const { id } = (await order(user, { plan: 'pro' })).body
  const app = stand.another({
    journal: {
      ...stand.deps.journal,
      orders: { ...stand.deps.journal.orders, noteGranted: () => Promise.reject(new JournalUnavailable('gone')) },
    },
  })
  expect(await pay(user, id, app)).toMatchObject({ status: 503 })
  await change(user, 'free')
  expect(await read(user, id)).toMatchObject({ status: 'paid', granted: true })
  expect(await subscription(user)).toMatchObject({ plan: { id: 'pro' }, pending: { id: 'free' } })
})

test('a plan that is no upgrade any more when it is to be paid is not bought', async () => {
  const user = await stand.user()
  const [first, second] = [(await order(user, { plan: 'pro' })).body.id, (await order(user, { plan: 'pro' })).body.id]
  expect(await pay(user, first)).toMatchObject({ status: 200 })
  expect(await pay(user, second)).toMatchObject({ status: 409, body: { error: { code: 'checkout_not_needed' } } })
  expect(await read(user, second)).toMatchObject({ status: 'open', granted: false })
})

describe('a pack', () => {
  test('is ordered, paid at the test checkout, and there for this period', async () => {
    const user = await stand.user()
    const ordered = await order(user, { pack: 'small' })
    expect(ordered).toMatchObject({
      status: 201,
      body: { status: 'open', name: '500 credits', credits: credits(500), priceCents: 500, test: true, granted: false },
    })
    const { id, url } = ordered.body
    expect(url).toBe(`https://tollgate.example/checkout/${id}`)
    expect(await total(user)).toBe(credits(1000))
    expect(await pay(user, id)).toMatchObject({ status: 200, body: { status: 'paid', granted: true, url: null } })
    expect(await total(user)).toBe(credits(1500))
    const { body } = await stand.ask('GET', '/credits/v1/grants?source=pack', { as: user.key })
    expect(body.items).toMatchObject([{ id: `order:${id}`, detail: '500 credits', resetsAt: expect.any(String) }])
  })

  test('paid twice, at once and later, is there once; so is one ordered twice under one key', async () => {
    const user = await stand.user()
    const headers = { 'idempotency-key': 'buy-1' }
    const [first, second] = await Promise.all([1, 2].map(() => order(user, { pack: 'medium' }, headers)))
    expect(second!.body.id).toBe(first!.body.id)
    expect(await order(user, { pack: 'large' }, headers)).toMatchObject({
      status: 409,
      body: { error: { code: 'order_conflict' } },
    })
    await Promise.all([1, 2, 3].map(() => pay(user, first!.body.id)))
    await pay(user, first!.body.id)
    expect(await total(user)).toBe(credits(3000))
    const { body } = await stand.ask('GET', '/credits/v1/checkouts', { as: user.key })
    expect(body.items).toHaveLength(1)
  })

  test('that was paid when Temporal was away is given by the next look, or by the next start of a gateway', async () => {
    const user = await stand.user()
    const away = () => Promise.reject(new TemporalUnavailable('away'))
    const app = stand.another({ accounts: { ...stand.deps.accounts, grant: away } })
    const [one, other] = [
      (await order(user, { pack: 'small' })).body.id,
      (await order(user, { pack: 'small' })).body.id,
    ]
    for (const id of [one, other]) expect(await pay(user, id, app)).toMatchObject({ status: 503 })
    expect(await total(user)).toBe(credits(1000))
    expect(await read(user, one)).toMatchObject({ status: 'paid', granted: true })
    expect(await total(user)).toBe(credits(1500))
    await grantForgotten(stand.deps)
    expect(await total(user)).toBe(credits(2000))
  })

  test('that nobody sells, another’s order, and one that was cancelled are refused', async () => {
    const [user, other] = [await stand.user(), await stand.user()]
    expect(await order(user, { pack: 'huge' })).toMatchObject({
      status: 422,
      body: { error: { code: 'pack_unknown' } },
    })
    const { id } = (await order(user, { pack: 'small' })).body
    expect(await pay(other, id)).toMatchObject({ status: 404, body: { error: { code: 'order_unknown' } } })
    await stand.deps.journal.orders.cancel(id)
    expect(await pay(user, id)).toMatchObject({ status: 409, body: { error: { code: 'order_cancelled' } } })
    expect(await total(user)).toBe(credits(1000))
  })

  test('cannot be bought where nothing is sold, nor paid here where the money is real', async () => {
    const user = await stand.user()
    const closed = { status: 403, body: { error: { code: 'checkout_closed' } } }
    expect(await order(user, { pack: 'small' }, {}, stand.another({ checkout: null }))).toMatchObject(closed)
    const { id } = (await order(user, { pack: 'small' })).body
    const real = stand.another({ checkout: { ...createTestCheckout(() => ''), test: false } })
    expect(await pay(user, id, real)).toMatchObject(closed)
    expect((await real.request(`/checkout/${id}`)).status).toBe(403)
  })
})

describe('the page of the test checkout', () => {
  test('says that no money moves, and takes Pay and Cancel from itself alone', async () => {
    const user = await stand.user()
    const { id } = (await order(user, { pack: 'small' })).body
    const page = await (await stand.app.request(`/checkout/${id}`)).text()
    expect(page).toContain('This is a test: no money moves.')
    expect(page).not.toMatch(/<script|style=/)
    const post = (what: string, origin: string) =>
      stand.app.request(`/checkout/${id}/${what}`, { method: 'POST', headers: { origin } })
    expect((await post('pay', 'https://evil.example')).status).toBe(403)
    expect(await (await post('pay', 'https://tollgate.example')).text()).toContain('Paid.')
    expect(await (await post('cancel', 'https://tollgate.example')).text()).toContain('Paid.')
    expect(await total(user)).toBe(credits(1500))
    expect((await stand.app.request('/checkout/ord_unknown')).status).toBe(404)
  })
})

describe('a subscription', () => {
  test('is upgraded through the checkout, at once', async () => {
    const user = await stand.user()
    expect(await subscription(user)).toMatchObject({ plan: { id: 'free', allowance: 0, priceCents: 0 }, pending: null })
    expect(await change(user, 'pro')).toMatchObject({ status: 409, body: { error: { code: 'checkout_required' } } })
    const ordered = await order(user, { plan: 'pro' })
    expect(ordered.body).toMatchObject({ kind: 'plan', item: 'pro', priceCents: 2500 })
    await pay(user, ordered.body.id)
    expect(await subscription(user)).toMatchObject({ plan: { id: 'pro' } })
    expect(await total(user)).toBeGreaterThan(credits(1000))
    expect(await order(user, { plan: 'pro' })).toMatchObject({
      status: 409,
      body: { error: { code: 'checkout_not_needed' } },
    })
  })

  test('is cancelled at the end of the period, and the cancellation called off', async () => {
    const user = await stand.user()
    await pay(user, (await order(user, { plan: 'pro' })).body.id)
    const before = await total(user)
    expect((await change(user, 'free')).body).toMatchObject({ plan: { id: 'pro' }, pending: { id: 'free' } })
    expect(await total(user)).toBe(before)
    expect((await change(user, 'pro')).body).toMatchObject({ plan: { id: 'pro' }, pending: null })
    expect(await change(user, 'gold')).toMatchObject({ status: 422, body: { error: { code: 'plan_unknown' } } })
  })
})

describe('taking back', () => {
  const takeBack = (accountId: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
    stand.ask('POST', `/admin/v1/accounts/${accountId}/take-backs`, {
      as: adminKey,
      body: { reason: 'charged back', ...body },
      headers,
    })

  test('takes credits from the ledger at once, once per key, and the user sees it', async () => {
    const user = await stand.user()
    const headers = { 'idempotency-key': 'cb-1' }
    for (let count = 0; count < 2; count += 1)
      expect(await takeBack(user.accountId, { credits: 300, by: 'eve' }, headers)).toMatchObject({
        status: 201,
        body: { id: 'cb-1', balance: { total: credits(700), remaining: credits(700) } },
      })
    expect(await takeBack(user.accountId, { credits: 1 }, headers)).toMatchObject({
      status: 409,
      body: { error: { code: 'grant_conflict' } },
    })
    const { body } = await stand.ask('GET', '/credits/v1/grants?source=adjustment', { as: user.key })
    expect(body.items).toMatchObject([{ id: 'cb-1', amount: -300_000_000, left: 0, detail: 'charged back' }])
  })

  test('of more than is left shows nothing below zero, and refuses calls until it is paid', async () => {
    const user = await stand.user()
    await stand.charge(user.accountId, { amount: credits(400) })
    const taken = await takeBack(user.accountId, { credits: 900 })
    expect(taken.body.balance).toMatchObject({ remaining: 0, available: 0 })
    const granted = await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/grants`, {
      as: adminKey,
      body: { credits: 500, reason: 'settled' },
    })
    expect(granted.body.balance.remaining).toBe(credits(200))
  })
})
