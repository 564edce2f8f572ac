import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import { answerKey } from '../../ledger/keys.ts'
import { LedgerUnavailable } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'
import { until } from '../stack/until.ts'
import { openStand, says, type Account, type Stand } from './stand.ts'

let stand: Stand
let account: Account
beforeAll(async () => {
  stand = await openStand()
  account = await stand.account({ credits: 1_000 })
})
afterAll(() => stand.close())

const post = (key: string, request: object): Promise<Response> =>
  account.fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'idempotency-key': key },
    body: JSON.stringify({ model: 'mock/plain', ...request }),
  })
const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code

describe('an idempotency key', () => {
  it.each([true, false])('gives the same answer again, uncharged (streamed: %s)', async (stream) => {
    const key = randomUUID()
    const request = { messages: says({ tokens: 9, stream }), stream }
    const first = await post(key, request)
    const text = await first.text()
    const before = stand.upstream.calls.length
    const second = await post(key, request)
    expect(await second.text()).toBe(text)
    expect(second.headers.get('x-tollgate-replayed')).toBe('true')
    expect(second.headers.get('x-tollgate-receipt')).toBe(first.headers.get('x-tollgate-receipt'))
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(stand.upstream.calls).toHaveLength(before)
    const receipts = (await stand.receipts(account)).filter(({ id }) => id === first.headers.get('x-tollgate-receipt'))
    expect(receipts).toHaveLength(1)
  })

  it('with another body is a conflict, and is not retried', async () => {
    const key = randomUUID()
    await (await post(key, { messages: says({}) })).text()
    const other = await post(key, { messages: says({ tokens: 2 }) })
    expect(other.headers.get('x-should-retry')).toBe('false')
    expect(other.status).toBe(409)
    expect(await codeOf(other)).toBe('idempotency_conflict')
  })

  it('of a call in flight answers 409, to be retried', async () => {
    const key = randomUUID()
    const request = { messages: says({ waitAfter: 0 }) }
    const started = stand.upstream.calls.length
    const first = post(key, request)
    const call = await stand.upstream.call(started)
    const second = await post(key, request)
    expect([second.status, second.headers.get('x-should-retry'), await codeOf(second)]).toEqual([
      409,
      'true',
      'request_in_progress',
    ])
    call.release()
    expect((await first).status).toBe(200)
  })

  it('whose call failed may be used again', async () => {
    const key = randomUUID()
    const request = { messages: says({ status: 500 }) }
    expect((await post(key, request)).status).toBe(500)
    const before = stand.upstream.calls.length
    expect((await post(key, request)).status).toBe(500)
    expect(stand.upstream.calls).toHaveLength(before + 1)
  })

  it('of a call that was cut at zero may be used again, once there are credits', async () => {
    const poor = await stand.account({ credits: 1 })
    const send = () =>
      poor.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'idempotency-key': 'same' },
        body: JSON.stringify({ model: 'mock/plain', stream: true, messages: says({ tokens: 2_000 }) }),
      })
    expect(await (await send()).text()).toContain('credits_depleted')
    await poor.grant(100)
    expect(await (await send()).text()).toContain('[DONE]')
    expect(await stand.receipts(poor)).toHaveLength(2)
  })

  it('of a dead gateway may be used again when its lease has run out', async () => {
    const claim = { accountId: account.id, key: randomUUID(), id: 'dead', fingerprint: 'f', leaseMs: 1 }
    expect(await stand.deps.answers.claim(claim)).toEqual({ status: 'claimed' })
    let second = await stand.deps.answers.claim({ ...claim, id: 'next', leaseMs: 60_000 })
    while (second.status === 'running')
      second = await stand.deps.answers.claim({ ...claim, id: 'next', leaseMs: 60_000 })
    expect(second).toEqual({ status: 'claimed' })
    await stand.deps.answers.finish(claim, { status: 200, headers: {}, body: 'late' })
    expect(await stand.deps.answers.claim({ ...claim, id: 'third' })).toEqual({ status: 'running' })
  })

  it('of an answer above 256 kB is remembered, its answer is not', async () => {
    const key = randomUUID()
    const request = { messages: says({ tokens: 15_000, wordLength: 20 }) }
    await (await post(key, request)).text()
    await stand.receipts(account)
    const again = await post(key, request)
    expect([again.status, await codeOf(again)]).toEqual([409, 'answer_not_kept'])
  })

  it('that Redis has forgotten after a day is still not charged twice', async () => {
    const key = randomUUID()
    const request = { messages: says({ tokens: 9 }) }
    await (await post(key, request)).text()
    await until(async () => (await stand.deps.keptKeys.findRequest(account.id, key)) !== null)
    await stand.redis.del(answerKey(account.id, key))
    const before = stand.upstream.calls.length
    for (const [body, code] of [
      [request, 'answer_not_kept'],
      [{ messages: says({ tokens: 2 }) }, 'idempotency_conflict'],
      [request, 'answer_not_kept'],
    ] as const) {
      const again = await post(key, body)
      expect([again.status, await codeOf(again)]).toEqual([409, code])
    }
    expect(stand.upstream.calls).toHaveLength(before)
  })

  it('is taken while the journal is away', async () => {
    const away = () => Promise.reject(new JournalUnavailable('the journal does not answer'))
    const alone = await openStand({ change: { keptKeys: { findRequest: away, rememberRequest: away } } })
    const other = await alone.account({ credits: 10 })
    const ask = () =>
      other.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'idempotency-key': 'k' },
        body: JSON.stringify({ model: 'mock/plain', messages: says({}) }),
      })
    const first = await (await ask()).text()
    await until(async () => (await ask()).headers.get('x-tollgate-replayed') === 'true')
    expect(await (await ask()).text()).toBe(first)
    await alone.close()
  })

  it('is finished although Redis was away for a moment', async () => {
    let failures = 2
    const { answers } = stand.deps
    const shaky = await openStand({
      change: {
        clock: { ...systemClock, sleep: () => Promise.resolve() },
        answers: {
          ...answers,
          finish: (claim, answer) => {
            failures -= 1
            return failures >= 0 ? Promise.reject(new LedgerUnavailable('away')) : answers.finish(claim, answer)
          },
        },
      },
    })
    const other = await shaky.account({ credits: 10 })
    const ask = () =>
      other.fetch('/v1/chat/completions', {
        method: 'POST',
        headers: { 'idempotency-key': 'k' },
        body: JSON.stringify({ model: 'mock/plain', messages: says({}) }),
      })
    expect((await ask()).status).toBe(200)
    await until(async () => (await ask()).headers.get('x-tollgate-replayed') === 'true')
    expect(failures).toBe(-1)
    await shaky.close()
  })

  it('must be short and visible, and cannot be claimed without Redis', async () => {
    expect((await post('a'.repeat(256), { messages: says({}) })).status).toBe(400)
    const broken = await openStand({
      change: { answers: { ...stand.deps.answers, claim: () => Promise.reject(new LedgerUnavailable('down')) } },
    })
    const other = await broken.account({ credits: 10 })
    const response = await other.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'idempotency-key': 'k' },
      body: JSON.stringify({ model: 'mock/plain', messages: says({}) }),
    })
    expect([response.status, await codeOf(response)]).toEqual([503, 'ledger_unavailable'])
    await broken.close()
  })
})
