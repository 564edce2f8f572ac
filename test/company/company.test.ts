import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CompanyEvent } from '../../examples/company/company-event.ts'
import { type Charge, sumOf } from '../../examples/company/statement.ts'
import { until } from '../stack/until.ts'
import { type Customer, openStand, type Stand } from './stand.ts'

let stand: Stand
let customer: Customer

beforeAll(async () => {
  stand = await openStand()
  customer = await stand.customer('500')
}, 180_000)
afterAll(() => stand?.close(), 60_000)

/** What was told of one answer, until its end. */
async function told(conversation: string, answer: string, who = customer): Promise<readonly CompanyEvent[]> {
  const all: CompanyEvent[] = []
  for await (const { event } of who.events(conversation)) {
    if ('answer' in event && event.answer === answer) all.push(event)
    if (event.kind === 'ended' && event.answer === answer) break
  }
  return all
}

const textOf = (events: readonly CompanyEvent[]): string =>
  events.map((event) => (event.kind === 'chunk' ? event.text : '')).join('')

/** Charges of one answer, once there is one that fits. */
const chargedFor = (answer: string, fits: (charge: Charge) => boolean, who = customer): Promise<readonly Charge[]> =>
  until(async () => {
    const all = (await who.charges()).filter((charge) => charge.messageId === answer)
    return all.some(fits) ? all : undefined
  }, 60_000)

const isMemory = ({ category, item }: Charge): boolean => category === 'internal' && item === 'memory'
const isRuntime = ({ category }: Charge): boolean => category === 'compute_runtime'

test('a message is answered in a stream, kept in the history, and all its work is charged under it', async () => {
  const { id } = await customer.say('chat', 'ada', 'Good morning, in 30 words please.')
  const events = await told('chat', id)
  expect(events[0]).toMatchObject({ kind: 'asked', text: 'Good morning, in 30 words please.' })
  expect(events.filter(({ kind }) => kind === 'chunk').length).toBeGreaterThan(1)
  expect(events.at(-1)).toEqual({ kind: 'ended', answer: id, state: 'done' })
  const kept = await customer.ended('chat', id)
  expect(kept).toMatchObject({ from: 'employee', employee: 'ada', state: 'done', text: textOf(events) })
  expect(kept.text.split(' ')).toHaveLength(30)

  await chargedFor(id, isMemory)
  const charges = await chargedFor(id, isRuntime)
  expect(charges.every(({ employeeId }) => employeeId === 'ada')).toBe(true)
  const paid = charges.filter(({ credits }) => credits > 0)
  expect(paid.map(({ category, item = '', tier = '' }) => `${category} ${item} ${tier}`).toSorted()).toEqual([
    'ai_usage  fast',
    'compute_runtime  ',
    'internal memory fast',
    'internal safety fast',
  ])
})

test('research is done by a colleague in a child workflow, and is paid under the same message', async () => {
  const { id } = await customer.say('studies', 'bruno', 'Research tea, in 20 words.')
  expect(await customer.ended('studies', id)).toMatchObject({ state: 'done' })
  const charges = await chargedFor(id, isMemory)
  const calls = charges.filter(({ category }) => category === 'ai_usage')
  expect(calls.map(({ employeeId, tier = '' }) => `${employeeId} ${tier}`).toSorted()).toEqual([
    'bruno standard',
    'clara advanced',
  ])
  expect(charges).toContainEqual(expect.objectContaining({ item: 'web.search', credits: 0 }))
})

test('a picture costs what it costs, and can be looked at', async () => {
  const { id } = await customer.say('pictures', 'clara', 'Draw a boat, and say so in 10 words.', 'boat')
  expect(await customer.ended('pictures', id)).toMatchObject({ state: 'done', image: true })
  const path = `${stand.companyUrl}/company/conversations/pictures/messages/boat/image`
  const image = await fetch(path, { headers: { authorization: `Bearer ${customer.apiKey}` } })
  expect(
    Buffer.from(await image.arrayBuffer())
      .subarray(1, 4)
      .toString(),
  ).toBe('PNG')
  const charges = await chargedFor(id, ({ item }) => item === 'image.standard')
  expect(sumOf(charges.filter(({ item }) => item === 'image.standard'))).toBe(4_000_000)
})

test('an app call is charged under the app’s name', async () => {
  const { id } = await customer.say('calendar', 'ada', 'My calendar of today, in 10 words.')
  const events = await told('calendar', id)
  expect(events).toContainEqual(expect.objectContaining({ kind: 'app_called', app: 'calendar' }))
  const charges = await chargedFor(id, ({ category }) => category === 'tool_calls')
  expect(charges).toContainEqual(expect.objectContaining({ item: 'calendar', credits: 50_000, quantity: 1 }))
})

describe('a mail waits for a person', () => {
  test.each([
    ['is sent once approved', true, 1],
    ['is not sent, and not charged, when it was not approved', false, 0],
  ])('and %s', async (_, approved, mails) => {
    const conversation = `mail-${approved}`
    const { id } = await customer.say(conversation, 'bruno', 'Mail the team hello, in 10 words.', 'one')
    for await (const { event } of customer.events(conversation)) if (event.kind === 'approval_asked') break
    expect(await customer.message(conversation, id)).toMatchObject({ state: 'working' })
    await customer.company('POST', `/conversations/${conversation}/messages/one/approval`, { approved })
    expect(await customer.ended(conversation, id)).toMatchObject({ state: 'done' })
    const charges = await chargedFor(id, isMemory)
    expect(charges.filter(({ item }) => item === 'mail')).toHaveLength(mails)
    expect(charges).toContainEqual(expect.objectContaining({ item: 'task.create', credits: 0 }))
  })
})

test('a message that is sent again is answered and charged once', async () => {
  const send = () => customer.say('again', 'ada', 'Hello in 5 words.', 'same')
  const [first, second] = await Promise.all([send(), send()])
  expect(second.id).toBe(first.id)
  await customer.ended('again', first.id)
  expect((await send()).state).toBe('done')
  const charges = await chargedFor(first.id, isMemory)
  expect(charges.filter(({ category }) => category === 'ai_usage')).toHaveLength(1)
  const { messages } = await customer.company<{ messages: unknown[] }>('GET', '/conversations/again')
  expect(messages).toHaveLength(2)
})

test('messages of one conversation are answered one after the other', async () => {
  const answers = []
  for (const text of ['One, in 20 words.', 'Two, in 20 words.', 'Three, in 20 words.'])
    answers.push(await customer.say('queue', 'ada', text))
  for (const { id } of answers) await customer.ended('queue', id)
  const order: string[] = []
  for await (const { event } of customer.events('queue')) {
    if (event.kind === 'begun') order.push(event.answer)
    if (order.length === 3) break
  }
  expect(order).toEqual(answers.map(({ id }) => id))
})

test('a stopped answer keeps what was streamed, and it is charged', async () => {
  const { id } = await customer.say('stop', 'bruno', 'Write 3000 words.')
  for await (const { event } of customer.events('stop')) if (event.kind === 'chunk') break
  const { answer } = await customer.company<{ answer: { text: string } }>('POST', '/conversations/stop/stop')
  expect(answer).toMatchObject({ id, state: 'stopped' })
  const streamed = textOf(await told('stop', id))
  expect(streamed).not.toBe('')
  expect(answer.text.startsWith(streamed)).toBe(true)
  expect(answer.text.split(' ').length).toBeLessThan(3_000)
  const charges = await chargedFor(id, ({ category }) => category === 'ai_usage')
  expect(sumOf(charges.filter(({ category }) => category === 'ai_usage'))).toBeGreaterThan(0)
  expect(await customer.company('POST', '/conversations/stop/stop')).toEqual({ answer: null })
})

test('whoever lost the connection goes on after the last event', async () => {
  const { id } = await customer.say('resume', 'ada', 'Write 200 words.')
  const first: CompanyEvent[] = []
  let last = ''
  for await (const { id: at, event } of customer.events('resume')) {
    first.push(event)
    last = at
    if (first.length === 6) break
  }
  const rest: CompanyEvent[] = []
  for await (const { event } of customer.events('resume', last)) {
    rest.push(event)
    if (event.kind === 'ended') break
  }
  expect(textOf([...first, ...rest])).toBe((await customer.ended('resume', id)).text)
})

test('whoever comes back too late is told that something is missing', async () => {
  const { id } = await customer.say('late', 'ada', 'Hello in 5 words.')
  await customer.ended('late', id)
  const { value } = await customer.events('late', '1-0').next()
  expect(value).toMatchObject({ event: { kind: 'missed' } })
})

test('an answer that could not be passed on is given again, and paid once', async () => {
  const key = `company:${customer.account}:events:broken`
  const { id } = await customer.say('broken', 'ada', 'Write 100 words.')
  for await (const { event } of customer.events('broken')) if (event.kind === 'chunk') break
  // Something else is there now: the rest of the stream arrives, and cannot be written.
  await stand.redis.set(key, 'in the way')
  await until(async () => {
    const charges = await customer.charges()
    return charges.some(({ messageId, category }) => messageId === id && category === 'ai_usage')
  })
  await stand.redis.del(key)
  const events = await told('broken', id)
  expect(events.filter(({ kind }) => kind === 'begun')).toHaveLength(1)
  expect(textOf(events)).toBe((await customer.ended('broken', id)).text)
  const charges = await chargedFor(id, isMemory)
  expect(charges.filter(({ category }) => category === 'ai_usage')).toHaveLength(1)
})

test('a worker that ends in the middle of a reply leaves it to the next one, which begins anew', async () => {
  const { id } = await customer.say('restart', 'ada', 'Write 800 words.')
  for await (const { event } of customer.events('restart')) if (event.kind === 'chunk') break
  await stand.restartCompany()
  const kept = await customer.ended('restart', id)
  expect(kept).toMatchObject({ state: 'done' })
  expect(kept.text.split(' ')).toHaveLength(800)
  const events = await told('restart', id)
  expect(events.map(({ kind }) => kind).filter((kind) => kind !== 'chunk')).toEqual([
    'asked',
    'begun',
    'interrupted',
    'begun',
    'ended',
  ])
}, 180_000)

describe('without enough credits', () => {
  test('what is under way waits, can be stopped, and goes on after a grant', async () => {
    const poor = await stand.customer('0')
    await poor.grant('6')
    const picture = 'Draw a picture in HD of a harbour.'
    const { id } = await poor.say('poor', 'ada', picture)
    const isWaiting = async (answer: string) => (await poor.message('poor', answer))?.waitsFor === 'credits'
    await until(() => isWaiting(id), 60_000)
    expect(await poor.company('POST', '/conversations/poor/stop')).toMatchObject({ answer: { state: 'stopped' } })
    const next = await poor.say('poor', 'ada', picture)
    await until(() => isWaiting(next.id), 60_000)
    await poor.grant('20')
    expect(await poor.ended('poor', next.id)).toMatchObject({ state: 'done', image: true })
  }, 180_000)

  test('at zero a message is not taken; one that was taken before still is', async () => {
    const poor = await stand.customer('20')
    const asked = randomUUID()
    const taken = await poor.say('poor', 'ada', 'Hello in 5 words.', asked)
    await poor.ended('poor', taken.id)
    await poor.spendAll()
    const later = randomUUID()
    await expect(poor.say('poor', 'ada', 'Hello in 6 words.', later)).rejects.toThrow(/402 .*"credits_depleted"/)
    expect((await poor.say('poor', 'ada', 'Hello in 5 words.', asked)).id).toBe(taken.id)
    expect(await poor.message('poor', later)).toBeUndefined()
    await poor.grant('20')
    const next = await poor.say('poor', 'ada', 'Hello in 6 words.', later)
    expect((await poor.ended('poor', next.id)).text.split(' ')).toHaveLength(6)
  })
})

describe('the daily report', () => {
  interface Runs {
    readonly runs: readonly { readonly result: string; readonly text?: string }[]
  }
  const triggered = async (who: Customer): Promise<Runs['runs']> => {
    await who.company('PUT', '/report')
    await who.company('POST', '/report/runs')
    return until(async () => {
      const { runs } = await who.company<Runs>('GET', '/report')
      return runs.length > 0 && runs[0]!.result !== 'running' ? runs : undefined
    }, 60_000)
  }

  test('is a task: a quarter of a credit beside its work', async () => {
    const reader = await stand.customer('20')
    const [run] = await triggered(reader)
    expect(run).toMatchObject({ result: 'done' })
    expect(run!.text).not.toBe('')
    const charges = await until(async () => {
      const all = await reader.charges()
      return all.some(({ category }) => category === 'tasks_completed') ? all : undefined
    })
    const tasks = charges.filter(({ category }) => category === 'tasks_completed')
    expect(tasks.map(({ credits, employeeId }) => [credits, employeeId])).toEqual([[250_000, 'bruno']])
  })

  test('is skipped without credits, and nothing is charged', async () => {
    const poor = await stand.customer('0')
    await poor.spendAll()
    const before = (await poor.charges()).length
    expect(await triggered(poor)).toMatchObject([{ result: 'skipped' }])
    expect((await poor.charges()).length).toBe(before)
  })
})

describe('the door', () => {
  const call = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${stand.companyUrl}/company${path}`, init)
    return { status: answer.status, ...((await answer.json()) as { error: { code: string } }) }
  }
  const headers = () => ({ authorization: `Bearer ${customer.apiKey}` })

  test('opens for keys of accounts alone', async () => {
    expect(await call('/conversations/chat')).toMatchObject({ status: 401, error: { code: 'unauthenticated' } })
    const wrong = { headers: { authorization: 'Bearer nobody' } }
    expect(await call('/conversations/chat', wrong)).toMatchObject({ status: 401 })
  })

  test('shows nobody what another account has said', async () => {
    const other = await stand.customer('0')
    expect(await other.company('GET', '/conversations/chat')).toEqual({ id: 'chat', messages: [] })
  })

  test.each([
    ['a body that is no JSON', '/conversations/a/messages', 'POST', '{', 400, 'invalid_request'],
    [
      'a message without text',
      '/conversations/a/messages',
      'POST',
      '{"id":"a","employee":"ada"}',
      400,
      'invalid_request',
    ],
    ['a conversation whose name cannot be one', '/conversations/a.b', 'GET', undefined, 400, 'invalid_request'],
    [
      'an approval that nobody waits for',
      '/conversations/a/messages/x/approval',
      'POST',
      '{"approved":true}',
      404,
      'answer_unknown',
    ],
    ['a route that is not there', '/nowhere', 'GET', undefined, 404, 'not_found'],
  ])('refuses %s', async (_, path, method, body, status, code) => {
    const init = { method, headers: headers(), ...(body === undefined ? {} : { body }) }
    expect(await call(path, init)).toMatchObject({ status, error: { code } })
  })
})
