import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { until } from '../stack/until.ts'
import { type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const alerts = async ({ key }: TestUser) => (await stand.ask('GET', '/credits/v1/alerts', { as: key })).body.items
/** Spends, and lets the account hear of it. */
async function spend({ accountId }: TestUser, amount: number): Promise<void> {
  await stand.charge(accountId, { amount: creditsToMicro(amount) })
  await stand.reconcile()
}
const acknowledge = ({ key }: TestUser, id: string) => stand.ask('POST', `/credits/v1/alerts/${id}/ack`, { as: key })

describe('alerts', () => {
  test('are listed once per threshold and period, newest first, also when one charge crosses all three', async () => {
    const user = await stand.user()
    expect(await alerts(user)).toEqual([])
    await spend(user, 1000)
    await spend(user, 1)
    expect(await alerts(user)).toMatchObject([
      { id: '1-0', threshold: 0, period: 1, acknowledgedAt: null },
      { id: '1-15', threshold: 15 },
      { id: '1-25', threshold: 25 },
    ])
  })

  test('are acknowledged once, and every device hears of it', async () => {
    const user = await stand.user()
    await spend(user, 800)
    const feed = await stand.app.request('/credits/v1/feed', { headers: { authorization: `Bearer ${user.key}` } })
    const reader = feed.body!.pipeThrough(new TextDecoderStream()).getReader()
    await reader.read()
    const first = await acknowledge(user, '1-25')
    expect(first).toMatchObject({ status: 200, body: { id: '1-25', acknowledgedAt: expect.any(String) } })
    let told = ''
    while (!told.includes('event: alert')) told += (await reader.read()).value
    expect(told).toContain(`"acknowledgedAt":"${first.body.acknowledgedAt}"`)
    await reader.cancel()
    expect((await acknowledge(user, '1-25')).body).toEqual(first.body)
    expect(await alerts(user)).toMatchObject([{ acknowledgedAt: first.body.acknowledgedAt }])
  })

  test('that are not there, or another’s, cannot be acknowledged', async () => {
    const user = await stand.user()
    expect(await acknowledge(user, '1-25')).toMatchObject({ status: 404, body: { error: { code: 'alert_unknown' } } })
    await until(async () => (await alerts(user)).length === 0)
  })
})
