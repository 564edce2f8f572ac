import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import { createEventStream } from '../../gateway/feed/event-stream.ts'
import { formatPosition, parsePosition } from '../../gateway/feed/position.ts'
import { adminKey, type ApiStand, openApiStand } from './api-stand.ts'
import { type FeedServer, serveFeed } from './read-feed.ts'

let stand: ApiStand
let server: FeedServer
const readFeed = (...options: Parameters<FeedServer['read']>) => server.read(...options)

beforeAll(async () => {
  stand = await openApiStand()
  server = await serveFeed(stand.app)
})
afterAll(async () => {
  await stand.close()
  await server.stop()
})

describe('the feed', () => {
  test('begins with the balance, then tells of a debit and the balance after it', async () => {
    const { accountId, key } = await stand.user()
    const feed = await readFeed(key)
    expect(feed.response.headers.get('content-type')).toContain('text/event-stream')
    expect(feed.response.headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(feed.response.headers.get('x-accel-buffering')).toBe('no')
    const { data: first } = await feed.next('balance')
    expect(feed.events[0]!.event).toBe('balance')
    const id = await stand.charge(accountId, { amount: toMicro(300) })
    expect((await feed.next('debit')).data).toMatchObject({
      entryId: id,
      credits: 300,
      category: 'ai_usage',
      tier: 'fast',
    })
    const { data: after } = await feed.next('balance', ({ used }) => used === 300)
    expect(after).toMatchObject({ epoch: first.epoch, remaining: first.remaining - 300 })
    expect(after.version).toBeGreaterThan(first.version)
    feed.leave()
  })

  test('tells of a grant that no receipt announces', async () => {
    const { accountId, key } = await stand.user()
    const feed = await readFeed(key)
    const { data: first } = await feed.next('balance')
    await stand.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
      as: adminKey,
      headers: { 'idempotency-key': 'g' },
      body: { credits: 5, reason: 'sorry' },
    })
    expect((await feed.next('grant')).data).toMatchObject({
      id: 'g',
      source: 'adjustment',
      detail: 'sorry',
      amount: 5_000_000,
    })
    expect((await feed.next('balance', ({ total }) => total > first.total)).data.remaining).toBe(
      first.remaining + 5_000_000,
    )
    feed.leave()
  })

  test('shows what running calls hold', async () => {
    const { accountId, key } = await stand.user()
    const feed = await readFeed(key)
    await feed.next('balance')
    const { hold } = await import('../workflows/ledger-stand.ts')
    await hold(stand.stores.ledger, accountId, toMicro(900))
    expect((await feed.next('balance', ({ held }) => held === 900)).data).toMatchObject({
      remaining: 1_000_000_000,
      available: 1_000_000_000 - 900,
    })
    feed.leave()
  })

  test('goes on after the last event that was seen, drained or not', async () => {
    const { accountId, key } = await stand.user()
    const first = await readFeed(key)
    await stand.charge(accountId, { amount: toMicro(1) })
    const { id } = await first.next('debit')
    first.leave()
    await first.ended
    const missed = [
      await stand.charge(accountId, { amount: toMicro(2) }),
      await stand.charge(accountId, { amount: toMicro(3) }),
    ]
    await stand.drain(accountId)
    missed.push(await stand.charge(accountId, { amount: toMicro(4) }))
    const second = await readFeed(key, id)
    expect((await second.next('debit', ({ credits }) => credits === 4)).data.entryId).toBe(missed[2])
    expect(second.events[0]!.event).toBe('balance')
    const debits = second.events.filter(({ event }) => event === 'debit').map(({ data }) => JSON.parse(data).entryId)
    expect(debits).toEqual(missed)
    // What it says while it catches up is a place to go on from, too.
    const third = await readFeed(key, second.events.find(({ data }) => data.includes(missed[0]!))!.id)
    await third.next('debit', ({ credits }) => credits === 4)
    expect(third.events.filter(({ event }) => event === 'debit').map(({ data }) => JSON.parse(data).entryId)).toEqual(
      missed.slice(1),
    )
    second.leave()
    third.leave()
  })

  test('is shared by all tabs of an account, and read for none once they are gone', async () => {
    const { accountId, key } = await stand.user()
    const [one, two] = await Promise.all([readFeed(key), readFeed(key)])
    await Promise.all([one.next('balance'), two.next('balance')])
    const others = stand.deps.feeds.watched
    await stand.charge(accountId, { amount: toMicro(11) })
    const [first, second] = await Promise.all([one.next('debit'), two.next('debit')])
    expect(first).toEqual(second)
    one.leave()
    await stand.charge(accountId, { amount: toMicro(12) })
    expect((await two.next('debit', ({ credits }) => credits === 12)).data.credits).toBe(12)
    expect(stand.deps.feeds.watched).toBe(others)
    two.leave()
    await expect.poll(() => stand.deps.feeds.watched).toBeLessThan(others)
  })

  test('of one account tells nothing of another in the same shard', async () => {
    const [mine, other] = [await stand.user(), await stand.user()]
    const feed = await readFeed(mine.key)
    await feed.next('balance')
    await stand.charge(other.accountId, { amount: toMicro(77) })
    const id = await stand.charge(mine.accountId, { amount: toMicro(5) })
    expect((await feed.next('debit')).data.entryId).toBe(id)
    expect(JSON.stringify(feed.events)).not.toContain(other.accountId)
    feed.leave()
  })

  test('goes on after its connections to Redis were cut', async () => {
    const { accountId, key } = await stand.user()
    const feed = await readFeed(key)
    await feed.next('balance')
    await stand.redis.call('CLIENT', 'KILL', 'TYPE', 'normal')
    await expect.poll(() => stand.charge(accountId, { amount: toMicro(21) }).catch(() => '')).not.toBe('')
    expect((await feed.next('debit', ({ credits }) => credits === 21)).data.credits).toBe(21)
    feed.leave()
  })

  test('ends when its key is revoked', async () => {
    const { accountId, key, keyId } = await stand.user()
    const feed = await readFeed(key)
    await feed.next('balance')
    await stand.ask('DELETE', `/admin/v1/accounts/${accountId}/keys/${keyId}`, { as: adminKey })
    await feed.ended
    expect((await readFeed(key)).response.status).toBe(401)
  })

  test('alerts once when a threshold is crossed', async () => {
    const { accountId, key } = await stand.user()
    const feed = await readFeed(key)
    await feed.next('balance')
    await stand.charge(accountId, { amount: toMicro(800_000_000) })
    const snapshot = await stand.stores.ledger.snapshot(accountId)
    if (snapshot.status !== 'loaded') throw new Error(snapshot.status)
    const { lineage, seq, termsVersion, epochs } = snapshot
    await stand.deps.accounts.reconcile(accountId, { lineage, seq, termsVersion, held: toMicro(0), epochs })
    expect((await feed.next('alert')).data).toMatchObject({ threshold: 25, period: 1, acknowledgedAt: null })
    feed.leave()
  })

  test('ignores a last event id that it never wrote', async () => {
    const { key } = await stand.user()
    for (const id of ['nonsense', '1.2.3', '9'.repeat(150)]) {
      const feed = await readFeed(key, id)
      expect((await feed.next('balance')).data.used).toBe(0)
      feed.leave()
    }
  })

  test('does not open for HEAD', async () => {
    const { key } = await stand.user()
    const before = stand.deps.feeds.watched
    const response = await stand.app.request('/credits/v1/feed', {
      method: 'HEAD',
      headers: { authorization: `Bearer ${key}` },
    })
    expect(response.status).toBe(200)
    expect(stand.deps.feeds.watched).toBe(before)
  })
})

describe('a slow reader', () => {
  const open = () => {
    let ends = 0
    const stream = createEventStream({ now: () => 0, onEnd: () => (ends += 1) })
    return { stream, ends: () => ends }
  }
  const padding = 'x'.repeat(10_000)

  test('of balances gets only the latest one', async () => {
    const { stream, ends } = open()
    for (let version = 1; version <= 100; version += 1)
      stream.send({ event: 'balance', id: '1', data: { version, padding } })
    expect(ends()).toBe(0)
    stream.end()
    const text = await new Response(stream.body).text()
    expect(text.length).toBeLessThan(200_000)
    expect(ends()).toBe(1)
  })

  test('who lets other events pile up is cut off, once', () => {
    const { stream, ends } = open()
    for (let number = 1; number <= 100; number += 1) stream.send({ event: 'debit', id: '1', data: { number, padding } })
    expect(ends()).toBe(1)
  })

  test('who reads again gets the latest balance that waited', async () => {
    const { stream } = open()
    for (let version = 1; version <= 50; version += 1)
      stream.send({ event: 'balance', id: '1', data: { version, padding } })
    const reader = stream.body.getReader()
    const decoder = new TextDecoder()
    let text = ''
    while (!text.includes('"version":50')) text += decoder.decode((await reader.read()).value)
    expect(text).not.toContain('"version":49')
    await reader.cancel()
  })
})

describe('a position', () => {
  test('reads back as it was written', () => {
    for (const position of [
      { lineage: 1, n: 0, serial: null, alertsMs: 0 },
      { lineage: 12, n: 345, serial: 678, alertsMs: 1_795_000_000_000 },
    ]) {
      expect(parsePosition(formatPosition(position))).toEqual(position)
    }
  })
})
