import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { createSignIns } from '../../middleware/sign-ins.ts'
import { newAccountId } from '../workflows/stand.ts'
import { until } from '../stack/until.ts'
import { adminKey, type Answer, type ApiStand, openApiStand } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const origin = 'https://tollgate.example'
const ours = { origin }
const address = (): string => `${newAccountId()}@example.com`
const signUp = (email: string, more: object = {}, app = stand.app): Promise<Answer> =>
  stand.ask('POST', '/credits/v1/signup', { body: { email, ...more }, app })
const cookieOf = ({ headers }: Pick<Answer, 'headers'>): string => headers.getSetCookie()[0]?.split(';')[0] ?? ''
const balance = (cookie: string, app = stand.app): Promise<Answer> =>
  stand.ask('GET', '/credits/v1/balance', { headers: { cookie }, app })

/** The code of the newest link that was mailed to an address. */
async function mailedCode(email: string): Promise<string> {
  const mail = await until(async () => stand.mails.to(email).at(-1))
  return /\/login\?code=(\S+)/.exec(mail.text)![1]!
}
async function link(email: string): Promise<string> {
  const before = stand.mails.to(email).length
  expect(await stand.ask('POST', '/credits/v1/login', { body: { email } })).toMatchObject({ status: 202 })
  await until(async () => stand.mails.to(email).length > before)
  return mailedCode(email)
}
const enter = (code: string): Promise<Answer> => stand.ask('POST', '/credits/v1/login/code', { body: { code } })

describe('signing up', () => {
  test('opens an account with its welcome bonus, and signs in by a cookie that no script reads', async () => {
    const answer = await signUp(address())
    expect(answer).toMatchObject({
      status: 201,
      body: { status: 'signed_up', bonuses: { welcome: creditsToMicro(1000), promo: null, referral: null } },
    })
    const [cookie] = answer.headers.getSetCookie()
    expect(cookie).toMatch(
      /^tollgate_session=tg_web_[\w-]{43}; Path=\/; Expires=.*; HttpOnly; Secure; SameSite=Strict$/,
    )
    expect(await balance(cookieOf(answer))).toMatchObject({
      status: 200,
      body: { accountId: answer.body.accountId, remaining: creditsToMicro(1000) },
    })
  })

  test('with an address that is known signs nobody in, in whatever case: its owner gets a link', async () => {
    const email = address()
    const first = await signUp(email)
    const again = await signUp(email.toUpperCase())
    expect(again).toMatchObject({ status: 200, body: { status: 'link_sent' } })
    expect(again.headers.getSetCookie()).toEqual([])
    const entered = await enter(await mailedCode(email.toLowerCase()))
    expect(entered.body.accountId).toBe(first.body.accountId)
  })

  test('at the same moment twice is one account, welcomed once', async () => {
    const email = address()
    const answers = await Promise.all([signUp(email), signUp(email), signUp(email)])
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 200, 201])
    const [made] = answers.filter(({ status }) => status === 201)
    expect(await balance(cookieOf(made!))).toMatchObject({ body: { total: creditsToMicro(1000) } })
  })

  test('is refused where the operator’s product signs users up, and for what is no address', async () => {
    const closed = stand.another({ signUpOpen: false })
    expect(await signUp(address(), {}, closed)).toMatchObject({
      status: 403,
      body: { error: { code: 'signup_closed' } },
    })
    expect(await signUp('no address')).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
  })

  test('with the address of a user whom the operator signed up, in other capitals, mails a link', async () => {
    const userId = newAccountId()
    const email = `Jo.${userId}@Example.com`
    await stand.ask('POST', '/admin/v1/accounts', { as: adminKey, body: { userId, email } })
    expect(await signUp(email.toLowerCase())).toMatchObject({ status: 200, body: { status: 'link_sent' } })
    expect((await enter(await mailedCode(email.toLowerCase()))).body).toEqual({ accountId: userId })
  })

  test('by the operator lets the user sign in by mail too', async () => {
    const { accountId } = await stand.user()
    expect((await enter(await link(`${accountId}@example.com`))).body).toEqual({ accountId })
  })
})

describe('a mailed link', () => {
  test('signs in once, also when it is used twice at the same moment', async () => {
    const email = address()
    await signUp(email)
    const code = await link(email)
    const answers = await Promise.all([enter(code), enter(code), enter(code)])
    expect(answers.map(({ status, body }) => `${status} ${body.error?.code}`).toSorted()).toEqual([
      '200 undefined',
      '401 link_used',
      '401 link_used',
    ])
  })

  test('is not used up by being opened: the page asks first', async () => {
    const email = address()
    await signUp(email)
    const code = await link(email)
    const page = await stand.ask('GET', `/login?code=${code}`)
    expect(page).toMatchObject({ status: 200 })
    expect(page.body).toContain(`value="${code}"`)
    expect(page.body).not.toMatch(/<script|style=/)
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self'")
    expect(await enter(code)).toMatchObject({ status: 200 })
  })

  test('that is made up, and one that is older than ten minutes, are told apart', async () => {
    expect(await enter('x'.repeat(43))).toMatchObject({ status: 401, body: { error: { code: 'link_invalid' } } })
    const { accountId } = await stand.user()
    const old = await stand.deps.journal.signIns.createLink({ accountId, lifetimeMs: 0, most: 5 })
    expect(await enter(old!)).toMatchObject({ status: 401, body: { error: { code: 'link_expired' } } })
  })

  test('is mailed to known addresses alone, and nothing in the answer tells which those are', async () => {
    const email = address()
    await signUp(email)
    const ask = (to: string) => stand.ask('POST', '/credits/v1/login', { body: { email: to } })
    const [known, unknown] = [await ask(email), await ask(address())]
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body])
    await until(async () => stand.mails.to(email).length === 1)
  })

  test('is not mailed a sixth time while five can be used', async () => {
    const email = address()
    const { body } = await signUp(email)
    for (let count = 0; count < 5; count += 1) await link(email)
    expect(
      await stand.deps.journal.signIns.createLink({ accountId: body.accountId, lifetimeMs: 60_000, most: 5 }),
    ).toBeNull()
  })

  test('puts out whoever signed up with an address that is not theirs', async () => {
    const email = address()
    const stranger = cookieOf(await signUp(email))
    const app = stand.another({ signIns: createSignIns({ journal: stand.deps.journal, clock: stand.deps.clock }) })
    const owner = cookieOf(await enter(await link(email)))
    expect(await balance(stranger, app)).toMatchObject({ status: 401, body: { error: { code: 'unauthenticated' } } })
    expect(await balance(owner, app)).toMatchObject({ status: 200 })
    // A second link of the owner's puts out nobody.
    await enter(await link(email))
    const later = stand.another({ signIns: createSignIns({ journal: stand.deps.journal, clock: stand.deps.clock }) })
    expect(await balance(owner, later)).toMatchObject({ status: 200 })
  })
})

describe('a browser that is signed in', () => {
  const write = (cookie: string, headers: Readonly<Record<string, string>>) =>
    stand.ask('POST', '/credits/v1/employees', { headers: { cookie, ...headers }, body: { name: 'Ada' } })

  test('writes from our own pages alone', async () => {
    const cookie = cookieOf(await signUp(address()))
    const refused = { status: 403, body: { error: { code: 'origin_refused' } } }
    expect(await write(cookie, {})).toMatchObject(refused)
    expect(await write(cookie, { origin: 'null' })).toMatchObject(refused)
    expect(await write(cookie, { origin: 'https://evil.example' })).toMatchObject(refused)
    expect(await write(cookie, ours)).toMatchObject({ status: 201 })
  })

  test('a key beside the cookie counts instead of it, without an origin', async () => {
    const cookie = cookieOf(await signUp(address()))
    const { key, accountId } = await stand.user()
    const answer = await stand.ask('GET', '/credits/v1/balance', { as: key, headers: { cookie } })
    expect(answer.body.accountId).toBe(accountId)
  })

  test('signs out for good, its feed included; another site cannot sign it out', async () => {
    const cookie = cookieOf(await signUp(address()))
    const feed = await stand.app.request('/credits/v1/feed', { headers: { cookie } })
    const reader = feed.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('event: balance')
    const logout = (headers: Readonly<Record<string, string>>) =>
      stand.ask('POST', '/credits/v1/logout', { headers: { cookie, ...headers } })
    expect(await logout({ origin: 'https://evil.example' })).toMatchObject({ status: 403 })
    expect(await balance(cookie)).toMatchObject({ status: 200 })
    const out = await logout(ours)
    expect(out.status).toBe(204)
    expect(out.headers.getSetCookie()[0]).toMatch(/^tollgate_session=;.*Max-Age=0/)
    expect(await balance(cookie)).toMatchObject({ status: 401 })
    for (;;) if ((await reader.read()).done) break
    expect(await logout(ours)).toMatchObject({ status: 204 })
  })

  test('that was seen a moment ago goes on while the journal is away; any other is 503, never 401', async () => {
    const cookie = cookieOf(await signUp(address()))
    let isAway = false
    const find = (secret: string) =>
      isAway ? Promise.reject(new JournalUnavailable('gone')) : stand.deps.journal.signIns.find(secret)
    const journal = { signIns: { ...stand.deps.journal.signIns, find } }
    const app = stand.another({ signIns: createSignIns({ journal, clock: stand.deps.clock }) })
    const other = cookieOf(await signUp(address()))
    expect(await balance(cookie, app)).toMatchObject({ status: 200 })
    isAway = true
    expect(await balance(cookie, app)).toMatchObject({ status: 200 })
    expect(await balance(other, app)).toMatchObject({ status: 503, body: { error: { code: 'journal_unavailable' } } })
  })

  test('is not believed for a made-up cookie, nor past its time', async () => {
    expect(await balance('tollgate_session=nonsense')).toMatchObject({ status: 401 })
    expect(await balance(`tollgate_session=tg_web_${'A'.repeat(43)}`)).toMatchObject({ status: 401 })
    const { accountId } = await stand.user()
    const { secret } = await stand.deps.journal.signIns.begin({ accountId, lifetimeMs: 0 })
    expect(await balance(`tollgate_session=${secret}`)).toMatchObject({ status: 401 })
  })
})

describe('the pages', () => {
  const form = (path: string, fields: Readonly<Record<string, string>>, headers: object = ours) =>
    stand.app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(fields).toString(),
    })

  test('a referral link leads to a form that keeps its code, and signing up by it says what one starts with', async () => {
    const { key } = await stand.user()
    const { code } = (await stand.ask('GET', '/credits/v1/referral', { as: key })).body
    const led = await stand.app.request(`/r/${code}`)
    expect(led.headers.get('location')).toBe(`/signup?ref=${code}`)
    const invited = (await (await stand.app.request(`/signup?ref=${code}`)).text()).replaceAll(/\s+/g, ' ')
    expect(invited).toContain(`value="${code}"`)
    expect(invited).toMatch(
      /•+@example\.com has invited you: you start with 1,500 credits, 500 of them for the invitation/,
    )
    const unknown = await (await stand.app.request('/signup?ref=NOBODYS')).text()
    expect(unknown).toContain('That invitation is not known. You can sign up all the same.')
    const email = address()
    const typed = { email, ref: code, promo: 'NO-SUCH', zone: 'Europe/Rome' }
    // A code that is not good is told of before it is too late for another one
    const asked = await form('/signup', typed)
    expect(asked.status).toBe(400)
    const words = await asked.text()
    for (const kept of ['There is no such promo code.', `value="${email}"`, `value="${code}"`, 'selected>Europe/Rome'])
      expect(words).toContain(kept)
    const done = await form('/signup', { ...typed, anyway: 'yes' })
    expect((await done.text()).replaceAll(/\s+/g, ' ')).toContain(
      'You start with 1,500 credits (1,000 welcome + 500 referral).',
    )
    expect(await balance(cookieOf(done))).toMatchObject({ body: { timeZone: 'Europe/Rome' } })
    expect(await balance(cookieOf(done))).toMatchObject({ body: { total: creditsToMicro(1500) } })
  })

  test('what is typed is shown as text', async () => {
    const page = await (
      await stand.app.request(`/signup?promo=${encodeURIComponent('"><script>alert(1)</script>')}`)
    ).text()
    expect(page).not.toContain('<script>')
  })

  test('five links at most are mailed, however many are asked for at once', async () => {
    const email = address()
    await signUp(email)
    const asked = Array.from({ length: 20 }, () => stand.ask('POST', '/credits/v1/signup', { body: { email } }))
    await Promise.all(asked)
    expect(stand.mails.to(email)).toHaveLength(5)
  })

  test('a link’s button signs in, and says why when it cannot', async () => {
    const email = address()
    await signUp(email)
    await form('/login', { email })
    const code = await mailedCode(email)
    const done = await form('/login/code', { code })
    expect(await balance(cookieOf(done))).toMatchObject({ status: 200 })
    const again = await form('/login/code', { code })
    expect(again.status).toBe(401)
    expect(await again.text()).toContain('has been used')
  })

  test('say what is wrong in words, where programs get JSON', async () => {
    const closed = stand.another({ signUpOpen: false })
    const asked = (accept: string) =>
      closed.request('/signup', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', accept, ...ours },
        body: new URLSearchParams({ email: address() }).toString(),
      })
    const page = await asked('text/html,application/xhtml+xml,*/*;q=0.8')
    expect(page.status).toBe(403)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(await page.text()).toMatch(/role="alert">Accounts are made by the product.*signup_closed, request /s)
    expect(await (await asked('*/*')).json()).toMatchObject({ error: { code: 'signup_closed' } })
    const missing = await stand.app.request('/<b>nowhere', { headers: { accept: 'text/html' } })
    expect(missing.status).toBe(404)
    expect(await missing.text()).not.toContain('<b>')
  })

  test('take no form from elsewhere', async () => {
    for (const path of ['/signup', '/login', '/login/code'])
      expect((await form(path, { email: address(), code: 'x' }, { origin: 'https://evil.example' })).status).toBe(403)
  })
})
