import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { createClient } from '../../react/api/client.ts'
import type { Balance } from '../../react/api/shapes.ts'
import type { FeedEvent, FeedState } from '../../react/feed/events.ts'
import { openFeed } from '../../react/feed/feed.ts'
import { until } from '../stack/until.ts'
import { openWebStand, type WebStand } from './stand.ts'

// What of the client needs no page.
let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

/** A client whose tokens are given out one after the other, the last one for ever. */
function clientWith(...tokens: readonly string[]) {
  let given = 0
  const client = createClient({
    baseUrl: stand.url,
    getToken: () => {
      given += 1
      return Promise.resolve(tokens[Math.min(given, tokens.length) - 1]!)
    },
  })
  return { client, given: () => given }
}
const tokenOf = async (accountId: string, lifetimeSeconds = 60) =>
  (await stand.api.deps.tokens.mint(accountId, { lifetimeSeconds })).token

describe('a token', () => {
  test('that is refused is asked for once more, and kept as long as it works', async () => {
    const { accountId } = await stand.api.user()
    const { client, given } = clientWith('no-token', await tokenOf(accountId))
    expect(await client.ask('/credits/v1/balance')).toMatchObject({ accountId })
    expect(await client.ask('/credits/v1/balance')).toMatchObject({ accountId })
    expect(given()).toBe(2)
  })

  test('that is refused twice is a failure', async () => {
    const { client, given } = clientWith('no-token')
    await expect(client.ask('/credits/v1/balance')).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
    expect(given()).toBe(2)
  })

  test('that expires under a feed is replaced, and nothing is missed; where there is none any more its user is signed out', async () => {
    const { accountId } = await stand.api.user()
    const short = [await tokenOf(accountId, 2), await tokenOf(accountId, 4)]
    const { client, given } = clientWith(...short, 'no-token')
    const heard: FeedEvent[] = []
    const states: FeedState['status'][] = []
    let isSignedOut = false
    const feed = openFeed({
      client,
      onEvent: (event) => void heard.push(event),
      onState: ({ status }) => void states.push(status),
      onSignedOut: () => void (isSignedOut = true),
    })
    onTestFinished(() => feed.close())
    await until(async () => heard.length > 0)
    await stand.api.charge(accountId, { amount: creditsToMicro('1') })
    await until(async () => given() === 2)
    await stand.api.charge(accountId, { amount: creditsToMicro('2') })
    await until(async () => isSignedOut)
    const debits = heard.flatMap((event) => (event.event === 'debit' ? [event.data.credits] : []))
    expect(debits).toEqual([creditsToMicro('1'), creditsToMicro('2')])
    expect(heard.filter(({ event }) => event === 'balance').at(-1)).toMatchObject({ data: { used: 3_000_000 } })
    expect(states.at(-1)).toBe('live')
  })
})

test('a feed that may only ask tells the balance and each alert once', async () => {
  const { accountId } = await stand.api.user()
  await stand.api.charge(accountId, { amount: creditsToMicro('800') })
  await stand.api.reconcile()
  const { client } = clientWith(await tokenOf(accountId))
  const heard: FeedEvent[] = []
  const asked: string[] = []
  const feed = openFeed({
    client: {
      ...client,
      async ask(path, request) {
        const answer = await client.ask(path, request)
        asked.push(path)
        // oxlint-disable-next-line typescript/no-explicit-any -- whatever the client answers
        return answer as any
      },
    },
    transport: 'poll',
    onEvent: (event) => void heard.push(event),
    onState: () => undefined,
    onSignedOut: () => undefined,
  })
  onTestFinished(() => feed.close())
  await until(async () => asked.length === 4)
  expect(heard.map(({ event }) => event)).toEqual(['balance', 'alert', 'balance'])
  expect((heard[0]!.data as Balance).used).toBe(800_000_000)
})

test('an answer that does not come in time is a failure', async () => {
  const client = createClient({
    timeoutMs: 50,
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason))
      }),
  })
  await expect(client.ask('/credits/v1/balance')).rejects.toMatchObject({ code: 'offline', message: /in time/ })
})
