import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { newAccountId } from '../workflows/stand.ts'
import { adminKey, type Answer, type ApiStand, openApiStand } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const grantPath = (accountId: string) => `/admin/v1/accounts/${accountId}/grants`
const grant = (accountId: string, body: object): Promise<Answer> =>
  stand.ask('POST', grantPath(accountId), { as: adminKey, body: { reason: 'sorry', ...body } })
const audit = async (query: string) => (await stand.ask('GET', `/admin/v1/audit?${query}`, { as: adminKey })).body
const entries = async (accountId: string) => (await audit(`account=${accountId}`)).items

describe('what an operator changes', () => {
  test('is kept with who, why, and the account before and after', async () => {
    const { accountId } = await stand.user()
    await grant(accountId, { credits: '12.5', by: 'eve' })
    const [newest] = await entries(accountId)
    expect(newest).toMatchObject({
      accountId,
      who: 'eve',
      why: 'sorry',
      action: 'POST /admin/v1/accounts/{id}/grants',
      request: { credits: '12.5', by: 'eve', reason: 'sorry' },
      before: { plan: 'free', granted: creditsToMicro(1000) },
      after: { plan: 'free', granted: creditsToMicro('1012.5') },
      outcome: 'done',
    })
    await stand.ask('PUT', `/admin/v1/accounts/${accountId}/plan`, {
      as: adminKey,
      body: { plan: 'pro', by: 'mallory', reason: 'asked by phone' },
    })
    expect((await entries(accountId))[0]).toMatchObject({
      who: 'mallory',
      why: 'asked by phone',
      before: { plan: 'free' },
      after: { plan: 'pro', granted: creditsToMicro('11012.5') },
    })
  })

  test('is kept when it is refused too, with the code of the refusal', async () => {
    const { accountId } = await stand.user()
    await grant(accountId, { credits: 'many' })
    await stand.ask('PUT', `/admin/v1/accounts/${accountId}/plan`, { as: adminKey, body: { plan: 'gold' } })
    const nobody = newAccountId()
    await grant(nobody, { credits: 1 })
    expect((await entries(accountId)).map(({ outcome, after }: Answer['body']) => [outcome, after])).toEqual([
      ['plan_unknown', null],
      ['invalid_request', null],
      ['done', expect.anything()],
      ['done', expect.anything()],
    ])
    expect(await entries(nobody)).toMatchObject([{ outcome: 'account_unknown', who: 'operator', before: null }])
  })

  test('covers sign-up and keys, never their secrets; a minted token changes nothing', async () => {
    const { accountId, keyId, key } = await stand.user()
    await stand.ask('POST', `/admin/v1/accounts/${accountId}/tokens`, { as: adminKey, body: {} })
    await stand.ask('DELETE', `/admin/v1/accounts/${accountId}/keys/${keyId}?by=eve&reason=it+leaked`, { as: adminKey })
    const found = await entries(accountId)
    expect(found.map(({ action, who, why }: Answer['body']) => [action, who, why])).toEqual([
      ['DELETE /admin/v1/accounts/{id}/keys/{keyId}', 'eve', 'it leaked'],
      ['POST /admin/v1/accounts/{id}/keys', 'operator', ''],
      ['POST /admin/v1/accounts', 'operator', ''],
    ])
    expect(JSON.stringify(found)).not.toContain(key)
    expect(found[0].request.path).toBe(`/admin/v1/accounts/${accountId}/keys/${keyId}`)
    expect(found[1].after.id).toBe(keyId)
  })

  test('is not done at all while it cannot be noted', async () => {
    const { accountId } = await stand.user()
    const away = () => Promise.reject(new JournalUnavailable('gone'))
    const app = stand.another({
      journal: { ...stand.deps.journal, audit: { ...stand.deps.journal.audit, begin: away } },
    })
    const answer = await stand.ask('POST', grantPath(accountId), {
      as: adminKey,
      body: { credits: 5, reason: 'no trace' },
      app,
    })
    expect(answer).toMatchObject({ status: 503, body: { error: { code: 'journal_unavailable' } } })
    expect(await stand.deps.accounts.view(accountId)).toMatchObject({ view: { grants: [{ source: 'welcome' }] } })
  })

  test('stands when only its end cannot be noted, and says so', async () => {
    const { accountId } = await stand.user()
    const away = () => Promise.reject(new JournalUnavailable('gone'))
    const app = stand.another({ journal: { ...stand.deps.journal, audit: { ...stand.deps.journal.audit, end: away } } })
    const body = { credits: 5, reason: 'half a trace' }
    expect(await stand.ask('POST', grantPath(accountId), { as: adminKey, body, app })).toMatchObject({ status: 201 })
    expect((await entries(accountId))[0]).toMatchObject({ why: 'half a trace', outcome: null, after: null })
  })
})

describe('the log', () => {
  test('is read in pages, newest first, without a gap', async () => {
    const { accountId } = await stand.user()
    for (const credits of [1, 2, 3, 4, 5]) await grant(accountId, { credits })
    const read: number[] = []
    for (let cursor = ''; ;) {
      const page = await audit(`account=${accountId}&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      read.push(...page.items.map(({ request }: Answer['body']) => request.credits))
      if (page.next === null) break
      cursor = page.next
    }
    expect(read).toEqual([5, 4, 3, 2, 1, undefined, undefined])
  })

  test('is the operator’s alone, and takes no cursor of another list', async () => {
    const { key } = await stand.user()
    expect(await stand.ask('GET', '/admin/v1/audit', { as: key })).toMatchObject({ status: 401 })
    expect(await stand.ask('GET', '/admin/v1/audit?cursor=12', { as: adminKey })).toMatchObject({ status: 400 })
  })
})
