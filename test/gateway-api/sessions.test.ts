import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { until } from '../stack/until.ts'
import { adminKey, type Answer, type ApiStand, openApiStand, type TestUser } from './api-stand.ts'
import { type FeedServer, serveFeed } from './read-feed.ts'

let stand: ApiStand
let server: FeedServer
beforeAll(async () => {
  stand = await openApiStand()
  server = await serveFeed(stand.app)
})
afterAll(async () => {
  await stand.close()
  await server.stop()
})

/** A user with an employee, Ada of the lab. */
async function someUser(): Promise<TestUser> {
  const user = await stand.user()
  const made = await stand.ask('POST', '/credits/v1/employees', {
    as: user.key,
    body: { id: 'ada', name: 'Ada', organization: 'lab' },
  })
  expect(made.status).toBe(201)
  return user
}

const begin = ({ key }: TestUser, more: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  stand.ask('POST', '/credits/v1/sessions', { as: key, headers, body: { kind: 'voice', employee: 'ada', ...more } })

test('a call begins, hears signs of life, ends once, and costs what it lasted', async () => {
  const user = await someUser()
  const begun = await begin(user, { message: 'message-1' })
  expect(begun).toMatchObject({
    status: 201,
    body: {
      kind: 'voice',
      state: 'live',
      employeeId: 'ada',
      organizationId: 'lab',
      messageId: 'message-1',
      adapter: 'browser',
      endedAt: null,
      endReason: null,
      rate: 3_000_000,
      warning: null,
      join: null,
    },
  })
  const path = `/credits/v1/sessions/${begun.body.id}`
  const alive = await stand.ask('POST', `${path}/heartbeat`, { as: user.key })
  expect(alive).toMatchObject({ status: 200, body: { id: begun.body.id, state: 'live' } })
  expect((await stand.ask('GET', '/credits/v1/sessions?state=open', { as: user.key })).body.items).toMatchObject([
    { id: begun.body.id, state: 'live' },
  ])
  expect((await stand.ask('GET', `${path}/join`, { as: user.key })).body).toEqual({ join: null })
  const ended = await stand.ask('POST', `${path}/end`, { as: user.key })
  expect(ended).toMatchObject({ status: 200, body: { state: 'ended', endReason: 'requested' } })
  const again = await stand.ask('POST', `${path}/end`, { as: user.key })
  expect(again.body.endedAt).toBe(ended.body.endedAt)
  const late = await stand.ask('POST', `${path}/heartbeat`, { as: user.key })
  expect(late.body).toMatchObject({ state: 'ended', endedAt: ended.body.endedAt })

  const owed = ended.body.seconds * 50_000
  expect(ended.body.credits).toBe(owed)
  const read = await until(async () => {
    const { body } = await stand.ask('GET', path, { as: user.key })
    const balance = await stand.ask('GET', '/credits/v1/balance', { as: user.key })
    return balance.body.used === owed && balance.body.held === 0 ? body : undefined
  })
  expect(read).toMatchObject({ credits: owed, entryIds: [expect.any(String)] })
  const receipt = await stand.ask('GET', `/credits/v1/receipts/${read.entryIds[0]}`, { as: user.key })
  expect(receipt.body).toMatchObject({
    session: begun.body.id,
    category: 'voice_calls',
    item: 'voice',
    messageId: 'message-1',
    charged: owed,
    quantity: ended.body.seconds * 1_000,
    unit: 'ms',
  })
  expect((await stand.ask('GET', '/credits/v1/sessions?state=open', { as: user.key })).body.items).toEqual([])
  expect((await stand.ask('GET', '/credits/v1/sessions', { as: user.key })).body.items).toMatchObject([
    { id: begun.body.id, state: 'ended', credits: owed },
  ])
})

test('calls and meetings are the two lines of Voice Calls, and there is no runtime on top', async () => {
  const user = await someUser()
  for (const kind of ['voice', 'meeting']) {
    const { body } = await begin(user, { kind })
    await stand.ask('POST', `/credits/v1/sessions/${body.id}/end`, { as: user.key })
  }
  const rows = await until(async () => {
    const { body } = await stand.ask('GET', '/credits/v1/usage', { as: user.key })
    const voice = body.rows.find(({ key }: { key: string }) => key === 'voice_calls')
    return voice.children.every(({ credits }: { credits: number }) => credits > 0) ? body.rows : undefined
  })
  const find = (key: string) => rows.find((row: { key: string }) => row.key === key)
  expect(find('voice_calls').children.map(({ label }: { label: string }) => label)).toEqual(
    expect.arrayContaining(['Voice conversations', 'Meeting attendance']),
  )
  expect(find('compute_runtime').credits).toBe(0)
})

test('the same key is the same session, whatever has become of it; for another call it is a conflict', async () => {
  const user = await someUser()
  const key = { 'idempotency-key': 'call-1' }
  const [one, two] = await Promise.all([begin(user, {}, key), begin(user, {}, key)])
  expect(one.body.id).toBe(two.body.id)
  await stand.ask('POST', `/credits/v1/sessions/${one.body.id}/end`, { as: user.key })
  expect(await begin(user, {}, key)).toMatchObject({ status: 200, body: { id: one.body.id, state: 'ended' } })
  expect(await begin(user, { kind: 'meeting' }, key)).toMatchObject({
    status: 409,
    body: { error: { code: 'idempotency_conflict' } },
  })
  const other = await begin(await someUser(), {}, key)
  expect(other.body.id).not.toBe(one.body.id)
})

test('without credits it is 402 with the code, nothing has begun, and it may be tried again', async () => {
  const user = await someUser()
  await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/grants`, {
    as: adminKey,
    body: { credits: 1, reason: 'one' },
  })
  await stand.charge(user.accountId, { amount: creditsToMicro(1_000) })
  const key = { 'idempotency-key': 'refused-1' }
  expect(await begin(user, {}, key)).toMatchObject({
    status: 402,
    body: { error: { code: 'insufficient_credits', needed: 3_000_000, available: 1_000_000 } },
  })
  await stand.charge(user.accountId, { amount: creditsToMicro(1) })
  expect(await begin(user, {}, key)).toMatchObject({ status: 402, body: { error: { code: 'credits_depleted' } } })
  expect((await stand.ask('GET', '/credits/v1/sessions', { as: user.key })).body.items).toEqual([])
  await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/grants`, {
    as: adminKey,
    body: { credits: 50, reason: 'sorry' },
  })
  expect(await begin(user, {}, key)).toMatchObject({ status: 201, body: { state: 'live' } })
})

test('what is not set up here is refused by name', async () => {
  const user = await someUser()
  expect(await begin(user, { adapter: 'livekit' })).toMatchObject({
    status: 422,
    body: { error: { code: 'adapter_not_configured' } },
  })
})

test('another account’s session does not exist, and a key for some employees begins no calls of others', async () => {
  const [user, other] = [await someUser(), await someUser()]
  const { body } = await begin(user)
  for (const [method, path] of [
    ['GET', ''],
    ['POST', '/heartbeat'],
    ['POST', '/end'],
  ] as const)
    expect(await stand.ask(method, `/credits/v1/sessions/${body.id}${path}`, { as: other.key })).toMatchObject({
      status: 404,
      body: { error: { code: 'session_unknown' } },
    })
  const made = await stand.ask('POST', `/admin/v1/accounts/${user.accountId}/keys`, {
    as: adminKey,
    body: { employees: ['bo'] },
  })
  const limited = { ...user, key: made.body.secret }
  expect(await begin(limited)).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
})

test('the list goes on where a page ended', async () => {
  const user = await someUser()
  const ids: string[] = []
  for (let at = 0; at < 3; at += 1) ids.push((await begin(user)).body.id)
  const first = await stand.ask('GET', '/credits/v1/sessions?limit=2', { as: user.key })
  expect(first.body.items.map(({ id }: { id: string }) => id)).toEqual([ids[2], ids[1]])
  const rest = await stand.ask('GET', `/credits/v1/sessions?limit=2&cursor=${first.body.next}`, { as: user.key })
  expect(rest.body).toMatchObject({ items: [{ id: ids[0] }], next: null })
})

test('the feed tells of a call at its begin, while it goes on and at its end', async () => {
  const user = await someUser()
  const feed = await server.read(user.key)
  try {
    const { body } = await begin(user)
    const ours = (state: string) => (data: { id: string; state: string; seconds: number }) =>
      data.id === body.id && data.state === state
    expect((await feed.next('session', ours('live'))).data).toMatchObject({ rate: 3_000_000, employeeId: 'ada' })
    const later = await feed.next('session', (data) => ours('live')(data) && data.seconds >= 2)
    expect(later.data.credits).toBe(later.data.seconds * 50_000)
    const joined = await server.read(user.key)
    expect((await joined.next('session', ours('live'))).data.id).toBe(body.id)
    joined.leave()
    await stand.ask('POST', `/credits/v1/sessions/${body.id}/end`, { as: user.key })
    expect((await feed.next('session', ours('ended'))).data).toMatchObject({ endReason: 'requested' })
  } finally {
    feed.leave()
  }
})
