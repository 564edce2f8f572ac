import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { TemporalUnavailable } from '../../middleware/accounts.ts'
import { newAccountId } from '../workflows/stand.ts'
import { until } from '../stack/until.ts'
import { adminKey, type Answer, type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const credits = creditsToMicro
let codes = 0
async function promo(change: object = {}): Promise<string> {
  const code = `PROMO${(codes += 1)}`
  const answer = await stand.ask('POST', '/admin/v1/promo-codes', {
    as: adminKey,
    body: { code, credits: 200, ...change },
  })
  expect(answer).toMatchObject({ status: 201, body: { code, amount: credits(200), taken: 0 } })
  return code
}
const taken = async (code: string): Promise<number> =>
  (await stand.ask('GET', `/admin/v1/promo-codes/${code}`, { as: adminKey })).body.taken
const signUp = (codesGiven: object, userId = newAccountId(), app = stand.app, email = `${userId}@example.com`) =>
  stand.ask('POST', '/admin/v1/accounts', { as: adminKey, body: { userId, email, ...codesGiven }, app })
/** As a back end does it: told to try again (503), it sends the same sign-up again. */
async function signUpInACrowd(codesGiven: object): Promise<Answer> {
  const userId = newAccountId()
  return until(async () => {
    const answer = await signUp(codesGiven, userId)
    return answer.status === 503 ? undefined : answer
  })
}
const grantsOf = async (accountId: string) => {
  const answer = await stand.deps.accounts.view(accountId)
  if (!answer.ok) throw new Error(answer.code)
  return new Map(answer.view.grants.map(({ id, amount }) => [id, amount]))
}
const referralOf = async ({ key }: TestUser) => (await stand.ask('GET', '/credits/v1/referral', { as: key })).body
const check = (query: string) => stand.ask('GET', `/credits/v1/promo-check?${query}`)

describe('a promo code', () => {
  test('gives its credits with the account, once, however often the sign-up is repeated', async () => {
    const code = await promo()
    const userId = newAccountId()
    const answers = await Promise.all([1, 2, 3].map(() => signUp({ promoCode: ` ${code.toLowerCase()} ` }, userId)))
    for (const { body } of answers)
      expect(body.bonuses).toEqual({
        welcome: credits(1000),
        promo: { code, applied: true, credits: credits(200) },
        referral: null,
      })
    expect(await grantsOf(userId)).toEqual(
      new Map([
        ['welcome', credits(1000)],
        [`promo:${code}`, credits(200)],
      ]),
    )
    expect(await taken(code)).toBe(1)
  })

  test('that an account was made with stays taken when that account is signed up again otherwise', async () => {
    const code = await promo({ mostTaken: 1 })
    const userId = newAccountId()
    await signUp({ promoCode: code }, userId)
    const other = await signUp({ promoCode: code }, userId, stand.app, `${userId}.other@example.com`)
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'account_conflict' } } })
    expect(await taken(code)).toBe(1)
    expect((await signUp({ promoCode: code })).body.bonuses.promo).toMatchObject({
      applied: false,
      reason: 'promo_used',
    })
  })

  test('whose credits last three periods says so, and the grant tells when it ends', async () => {
    const code = await promo({ periods: 3 })
    const userId = newAccountId()
    await signUp({ promoCode: code }, userId)
    const answer = await stand.deps.accounts.view(userId)
    if (!answer.ok) throw new Error(answer.code)
    const { grants, periods } = answer.view
    const months = (fromMs: number, toMs: number) => Math.round((toMs - fromMs) / (30.4 * 86_400_000))
    const endsAtMs = grants.find(({ id }) => id === `promo:${code}`)!.resetsAtMs!
    expect(months(periods[0]!.startMs, endsAtMs)).toBe(3)
    expect(answer.view.terms.card.grants).toMatchObject([
      { id: `promo:${code}`, resets: false, endsAtMs },
      { id: 'welcome' },
    ])
    const wrong = await stand.ask('POST', '/admin/v1/promo-codes', {
      as: adminKey,
      body: { code: `${code}X`, credits: 200, keeps: false, periods: 3 },
    })
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'invalid_request' } } })
  })

  test('that is not good keeps nobody out, and the answer says why', async () => {
    const expired = await promo({ validUntil: '2020-01-01T00:00:00Z' })
    const empty = await promo({ mostTaken: 1 })
    await signUp({ promoCode: empty })
    for (const [promoCode, reason] of [
      ['NO-SUCH', 'promo_unknown'],
      [expired, 'promo_expired'],
      [empty, 'promo_used'],
    ]) {
      const answer = await signUp({ promoCode })
      expect(answer).toMatchObject({ status: 201, body: { bonuses: { promo: { applied: false, reason } } } })
      expect(answer.body.bonuses.promo.credits).toBeUndefined()
    }
  })

  test('is for registration: an account that is there already gets nothing, and the code is given back', async () => {
    const code = await promo({ mostTaken: 1 })
    const { accountId } = await stand.user()
    expect(await signUp({ promoCode: code }, accountId)).toMatchObject({
      status: 200,
      body: { bonuses: { promo: { applied: false, reason: 'promo_too_late' } } },
    })
    expect(await taken(code)).toBe(0)
    expect((await signUp({ promoCode: code })).body.bonuses.promo.applied).toBe(true)
  })

  test('is given back when the sign-up is refused, and kept for a repeat when its outcome is not known', async () => {
    const code = await promo({ mostTaken: 1 })
    const { accountId } = await stand.user()
    const refused = await signUp({ promoCode: code }, accountId, stand.app, 'eve@example.com')
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'account_conflict' } } })
    expect(await taken(code)).toBe(0)
    const away = () => Promise.reject(new TemporalUnavailable('away'))
    const userId = newAccountId()
    const app = stand.another({ accounts: { ...stand.deps.accounts, signUp: away } })
    expect(await signUp({ promoCode: code }, userId, app)).toMatchObject({ status: 503 })
    expect((await signUp({ promoCode: code })).body.bonuses.promo.reason).toBe('promo_used')
    expect((await signUp({ promoCode: code }, userId)).body.bonuses.promo.applied).toBe(true)
  })

  test('twenty left and sixty who want one: twenty get it', { timeout: 60_000 }, async () => {
    const code = await promo({ mostTaken: 20 })
    const answers = await Promise.all(Array.from({ length: 60 }, () => signUpInACrowd({ promoCode: code })))
    expect(answers.every(({ status }) => status < 300)).toBe(true)
    expect(answers.filter(({ body }) => body.bonuses.promo.applied)).toHaveLength(20)
  })

  test('is once per person, whatever is behind the plus', async () => {
    const code = await promo()
    const jo = newAccountId()
    const as = (tag: string) => signUp({ promoCode: code }, newAccountId(), stand.app, `${jo}${tag}@example.com`)
    expect((await as('')).body.bonuses.promo.applied).toBe(true)
    expect((await as('+two')).body.bonuses.promo.reason).toBe('promo_used')
    expect(await check(`code=${code}&email=${jo}%2Bthree@example.com`)).toMatchObject({
      status: 422,
      body: { error: { code: 'promo_used', message: expect.stringContaining('you have used') } },
    })
  })

  test('can be checked before: what it gives, or why not', async () => {
    const code = await promo()
    expect(await check(`code=${code.toLowerCase()}`)).toMatchObject({
      status: 200,
      body: { code, credits: credits(200) },
    })
    expect(await check('code=NO-SUCH')).toMatchObject({ status: 404, body: { error: { code: 'promo_unknown' } } })
    await stand.ask('DELETE', `/admin/v1/promo-codes/${code}?reason=over`, { as: adminKey })
    expect(await check(`code=${code}`)).toMatchObject({ status: 422, body: { error: { code: 'promo_expired' } } })
    expect(await check('')).toMatchObject({ status: 400 })
  })

  test('is the operator’s to make: once, listed by code, and not changed by a second attempt', async () => {
    const code = await promo({ mostTaken: 5 })
    const again = (body: object) =>
      stand.ask('POST', '/admin/v1/promo-codes', { as: adminKey, body: { code, ...body } })
    expect(await again({ credits: '200', mostTaken: 5 })).toMatchObject({ status: 200 })
    expect(await again({ credits: 300, mostTaken: 5 })).toMatchObject({
      status: 409,
      body: { error: { code: 'promo_conflict' } },
    })
    const read: string[] = []
    for (let cursor = ''; ;) {
      const { body } = await stand.ask('GET', `/admin/v1/promo-codes?limit=3&cursor=${cursor}`, { as: adminKey })
      read.push(...body.items.map((item: { code: string }) => item.code))
      if (body.next === null) break
      cursor = body.next
    }
    expect(read).toContain(code)
    expect(read).toEqual([...new Set(read)].toSorted())
    const invalid = { credits: 1, validFrom: '2026-02-01T00:00:00Z', validUntil: '2026-01-01T00:00:00Z' }
    expect(
      await stand.ask('POST', '/admin/v1/promo-codes', { as: adminKey, body: { code: 'ODD', ...invalid } }),
    ).toMatchObject({ status: 400, body: { error: { issues: [{ path: 'body.validUntil' }] } } })
    expect(await stand.ask('DELETE', '/admin/v1/promo-codes/NOTHING', { as: adminKey })).toMatchObject({ status: 404 })
  })
})

describe('a referral', () => {
  const bonus = credits(500)

  test('gives both sides the bonus, once', async () => {
    const referrer = await stand.user()
    const { code, link } = await referralOf(referrer)
    expect(link).toBe(`https://tollgate.example/r/${code}`)
    const friend = newAccountId()
    const answers = await Promise.all([1, 2].map(() => signUp({ referralCode: code.toLowerCase() }, friend)))
    for (const { body } of answers) expect(body.bonuses.referral).toMatchObject({ applied: true, credits: bonus })
    expect((await grantsOf(friend)).get('referral')).toBe(bonus)
    await until(async () => (await referralOf(referrer)).rewarded === 1)
    expect(await referralOf(referrer)).toMatchObject({
      accepted: 1,
      rewarded: 1,
      mostRewarded: 10,
      creditsEarned: bonus,
      bonus: { you: bonus, friend: bonus },
    })
    const { body } = await stand.ask('GET', '/credits/v1/grants?source=referral', { as: referrer.key })
    expect(body.items).toMatchObject([
      { id: `referral:${friend}`, amount: bonus, detail: `${friend.slice(0, 2)}••••@example.com` },
    ])
    // The account knows of it a moment before the ledger does
    const total = async () => (await stand.ask('GET', '/credits/v1/balance', { as: referrer.key })).body.total
    await until(async () => (await total()) !== credits(1000))
    expect(await total()).toBe(credits(1500))
  })

  test('rewards ten of fifteen friends who come at once; each friend gets the bonus', { timeout: 60_000 }, async () => {
    const referrer = await stand.user()
    const { code } = await referralOf(referrer)
    const friends = await Promise.all(Array.from({ length: 15 }, () => signUpInACrowd({ referralCode: code })))
    expect(friends.every(({ body }) => body.bonuses.referral.applied)).toBe(true)
    // Each friend's account has told its referrer: nothing is on its way any more.
    for (const { body } of friends)
      await until(async () => {
        const handle = stand.temporal.client.workflow.getHandle(`credits-account/${body.accountId}`)
        const history = await handle.fetchHistory()
        return history.events?.some((event) => event.externalWorkflowExecutionSignaledEventAttributes)
      })
    await until(async () => (await referralOf(referrer)).rewarded === 10)
    expect(await referralOf(referrer)).toMatchObject({ accepted: 15, rewarded: 10, creditsEarned: credits(5000) })
  })

  test('of oneself, and one that nobody has, give nothing and keep nobody out', async () => {
    const userId = newAccountId()
    await signUp({}, userId)
    const { code } = (await stand.ask('GET', '/credits/v1/referral', { as: await tokenOf(userId) })).body
    const self = await signUp({ referralCode: code }, newAccountId(), stand.app, `${userId}+me@example.com`)
    expect(self).toMatchObject({
      status: 201,
      body: { bonuses: { referral: { applied: false, reason: 'referral_self' } } },
    })
    expect(await signUp({ referralCode: 'NOBODYS' })).toMatchObject({
      status: 201,
      body: { bonuses: { referral: { applied: false, reason: 'referral_unknown' } } },
    })
    const { accountId } = await stand.user()
    expect((await signUp({ referralCode: code }, accountId)).body.bonuses.referral.reason).toBe('referral_too_late')
  })

  const tokenOf = async (accountId: string): Promise<string> =>
    (await stand.ask('POST', `/admin/v1/accounts/${accountId}/tokens`, { as: adminKey, body: {} })).body.token
})

describe('an invitation', () => {
  const address = (): string => `${newAccountId()}@example.com`
  const invite = async ({ key }: TestUser, emails: readonly string[]): Promise<readonly string[]> => {
    const { body } = await stand.ask('POST', '/credits/v1/invites', { as: key, body: { emails } })
    return body.results.map(({ result }: { result: string }) => result)
  }
  const list = async ({ key }: TestUser, query = '') =>
    (await stand.ask('GET', `/credits/v1/invites?${query}`, { as: key })).body

  test('is mailed with the link and both bonuses, one result for each address', async () => {
    const user = await stand.user()
    const member = await stand.user()
    const friend = address()
    const results = await invite(user, [
      friend,
      friend.toUpperCase(),
      'no address',
      `${user.accountId}@example.com`,
      `${member.accountId}@example.com`,
    ])
    expect(results).toEqual(['sent', 'already_invited', 'invalid', 'your_own', 'already_member'])
    const [mail] = stand.mails.to(friend)
    const { link } = await referralOf(user)
    for (const words of [link, '1000 credits', '500 more', `${user.accountId.slice(0, 2)}••••@example.com`])
      expect(mail!.text).toContain(words)
    expect(await referralOf(user)).toMatchObject({ invitesSent: 1, accepted: 0 })
  })

  test('to one address is one mail, however many ask at once', async () => {
    const user = await stand.user()
    const friend = address()
    const results = await Promise.all(Array.from({ length: 10 }, () => invite(user, [friend])))
    expect(results.flat().toSorted()).toEqual([...Array.from({ length: 9 }, () => 'already_invited'), 'sent'])
    expect(stand.mails.to(friend)).toHaveLength(1)
  })

  test('is accepted by whoever signs up with that address through the link', async () => {
    const user = await stand.user()
    const friend = newAccountId()
    await invite(user, [`${friend}@example.com`, address()])
    await signUp({ referralCode: (await referralOf(user)).code }, friend)
    await until(async () => (await referralOf(user)).rewarded === 1)
    const { items } = await list(user)
    expect(items.map(({ status, credits: earned }: Answer['body']) => [status, earned]).toSorted()).toEqual([
      ['accepted', credits(500)],
      ['sent', 0],
    ])
    expect(JSON.stringify(items)).not.toContain(friend)
  })

  test('is sent again after a day, and not before', async () => {
    const user = await stand.user()
    const friend = address()
    await invite(user, [friend])
    const { id } = (await list(user)).items[0]
    const resend = (app = stand.app) =>
      stand.ask('POST', `/credits/v1/invites/${id}/resend`, { as: user.key, body: {}, app })
    expect(await resend()).toMatchObject({ status: 409, body: { error: { code: 'invite_too_soon' } } })
    const { clock } = stand.deps
    const tomorrow = stand.another({ clock: { ...clock, now: () => clock.now() + 86_400_000 } })
    expect(await resend(tomorrow)).toMatchObject({ status: 200, body: { id, status: 'sent' } })
    expect(stand.mails.to(friend)).toHaveLength(2)
    expect(await stand.ask('POST', '/credits/v1/invites/inv_x/resend', { as: user.key, body: {} })).toMatchObject({
      status: 404,
    })
  })

  test('that the mail server does not take was not sent: now, or ever', async () => {
    const user = await stand.user()
    const [one, other] = [address(), address()]
    stand.mails.troubles.push('unavailable', 'refused')
    expect(await invite(user, [one, other])).toEqual(['try_later', 'invalid'])
    expect(await list(user)).toMatchObject({ items: [] })
    expect(await invite(user, [one])).toEqual(['sent'])
  })

  test('ten at a time, fifty a day, listed in pages', { timeout: 60_000 }, async () => {
    const user = await stand.user()
    const ten = () => Array.from({ length: 10 }, address)
    expect(
      await stand.ask('POST', '/credits/v1/invites', { as: user.key, body: { emails: [...ten(), address()] } }),
    ).toMatchObject({ status: 400 })
    for (let count = 0; count < 5; count += 1) expect(new Set(await invite(user, ten()))).toEqual(new Set(['sent']))
    expect(
      await stand.ask('POST', '/credits/v1/invites', { as: user.key, body: { emails: [address()] } }),
    ).toMatchObject({
      status: 429,
      body: { error: { code: 'invite_limit' } },
    })
    const ids: string[] = []
    for (let cursor = ''; ;) {
      const page = await list(user, `limit=20${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ids.push(...page.items.map(({ id }: { id: string }) => id))
      if (page.next === null) break
      cursor = page.next
    }
    expect(new Set(ids).size).toBe(50)
  })
})
