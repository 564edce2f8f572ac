import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { adminKey, type ApiStand, openApiStand } from './api-stand.ts'

let stand: ApiStand

beforeAll(async () => void (stand = await openApiStand()))
afterAll(() => stand.close())

const welcome = creditsToMicro(1000)
const cost = toMicro(2_500_000)

const refund = (accountId: string, body: object) =>
  stand.ask('POST', `/admin/v1/accounts/${accountId}/refunds`, {
    as: adminKey,
    body: { reason: 'it was slow', ...body },
  })

describe('a refund', () => {
  test('gives back what a charge took, once, and leaves the charge where it was', async () => {
    const { accountId, key } = await stand.user()
    const receipt = await stand.charge(accountId, { amount: cost })
    const answer = { id: `refund:${receipt}`, receipt, amount: cost, balance: { remaining: welcome, used: cost } }
    expect(await refund(accountId, { receipt, by: 'eve' })).toMatchObject({ status: 201, body: answer })
    await stand.drain(accountId)
    expect(await refund(accountId, { receipt, by: 'mallory' })).toMatchObject({ status: 201, body: answer })
    expect(await refund(accountId, { receipt, credits: 1 })).toMatchObject({
      status: 409,
      body: { error: { code: 'grant_conflict' } },
    })
    const { body } = await stand.ask('GET', '/credits/v1/grants?source=refund', { as: key })
    expect(body.items).toMatchObject([{ id: `refund:${receipt}`, detail: 'it was slow', amount: cost, resetsAt: null }])
    const view = await stand.deps.accounts.view(accountId)
    expect(view.ok && view.view.grants.find(({ source }) => source === 'refund')?.by).toBe('eve: it was slow')
    const usage = await stand.ask('GET', '/credits/v1/usage', { as: key })
    expect(usage.body.total).toBe(cost)
  })

  test('may be of a part, and may be lost at the end of the period', async () => {
    const { accountId } = await stand.user()
    const receipt = await stand.charge(accountId, { amount: cost })
    expect(await refund(accountId, { receipt, credits: '0.5', resets: true })).toMatchObject({
      status: 201,
      body: { amount: 500_000, balance: { remaining: welcome - cost + 500_000 } },
    })
  })

  test('is refused beyond what was charged, for nothing, and for a charge that is not this account’s', async () => {
    const { accountId } = await stand.user()
    const receipt = await stand.charge(accountId, { amount: cost })
    const free = await stand.charge(accountId, { amount: toMicro(0) })
    const invalid = { status: 422, body: { error: { code: 'amount_invalid' } } }
    expect(await refund(accountId, { receipt, credits: '2.500001' })).toMatchObject(invalid)
    expect(await refund(accountId, { receipt: free })).toMatchObject(invalid)
    const other = await stand.user()
    const unknown = { status: 404, body: { error: { code: 'receipt_unknown' } } }
    expect(await refund(other.accountId, { receipt })).toMatchObject(unknown)
    expect(await refund(accountId, { receipt: 'no such id' })).toMatchObject(unknown)
    expect(await refund('nobody-at-all', { receipt })).toMatchObject({ status: 404 })
    expect(await refund(accountId, { receipt, reason: '' })).toMatchObject({ status: 400 })
  })
})
