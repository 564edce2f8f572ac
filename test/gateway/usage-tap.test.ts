import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createUsageTap, withMember } from '../../gateway/usage-tap.ts'

const event = (chunk: object | string): string =>
  `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`
const delta = (content: string) =>
  event({ id: 'c', choices: [{ index: 0, delta: { content }, finish_reason: null }], usage: null })
const finish = event({ id: 'c', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null })
const usage = event({ id: 'c', choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })
const done = event('[DONE]')
const texts = ['Hé', 'llo \\"', 'quoted"usage":{', '漢字 \u{1F600}', '{"content":"x"}', '\n\n', 'end\\']
const whole = ': a comment\n\n' + texts.map(delta).join('') + finish + usage + done

/** Pushes a stream in pieces and gathers what comes out. */
function run(stream: string, cuts: readonly number[], usageAsked: boolean) {
  const tap = createUsageTap({ usageAsked })
  const bytes = Buffer.from(stream)
  const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((one, other) => one - other), bytes.length]
  const out: Buffer[] = []
  let ended = false
  for (const [index, from] of places.slice(0, -1).entries()) {
    tap.push(bytes.subarray(from, places[index + 1]))
    const step = tap.next(Number.POSITIVE_INFINITY)
    if (step.out !== undefined) out.push(step.out)
    ended ||= step.state.kind === 'ended'
  }
  out.push(tap.last({ cost: 1 }, {}))
  return { tap, text: Buffer.concat(out).toString(), ended }
}

describe('the tap', () => {
  const anyCuts = fc.array(fc.nat(), { maxLength: 40 })
  it('lets the bytes through untouched wherever the network cuts them, but for the cost', () => {
    fc.assert(
      fc.property(anyCuts, (cuts) => {
        const asked = run(whole, cuts, true)
        expect(asked.ended).toBe(true)
        expect(asked.text).toBe(whole.replace('"total_tokens":5}', '"total_tokens":5},"tollgate":{"cost":1}'))
        const unasked = run(whole, cuts, false)
        expect(unasked.text).toBe(
          whole.replace(usage, '').replace('"stop"}],"usage":null', '"stop"}],"usage":null,"tollgate":{"cost":1}'),
        )
        for (const { tap } of [asked, unasked]) {
          expect(tap.text()).toBe(texts.join(''))
          expect(tap.finished()).toBe(true)
          expect(tap.usage()?.quantities).toMatchObject({ inputTokens: 3, outputTokens: 2 })
        }
      }),
    )
  })

  it.each(['', '\n'])('takes a last event that ends with %j as an event, and half an event as none', (ending) => {
    const tap = createUsageTap({ usageAsked: true })
    tap.push(Buffer.from(finish + usage.trimEnd() + ending))
    tap.next(Number.POSITIVE_INFINITY)
    expect(tap.usage()).toBeUndefined()
    expect(tap.end()).toBe(true)
    tap.next(Number.POSITIVE_INFINITY)
    expect(tap.usage()?.quantities).toMatchObject({ outputTokens: 2 })
    expect(tap.end()).toBe(false)
    tap.push(Buffer.from(usage.slice(0, 20)))
    expect(tap.end()).toBe(false)
  })

  it('stops before the event that is not paid for, and goes on when it is', () => {
    const tap = createUsageTap({ usageAsked: false })
    tap.push(Buffer.from(delta('one') + delta('two') + delta('six')))
    const first = tap.next(7)
    expect(first.out!.toString()).toBe(delta('one') + delta('two'))
    expect(first.state).toEqual({ kind: 'budget', needBytes: 9 })
    expect(tap.pendingText()).toBe('six')
    expect(tap.next(9).out!.toString()).toBe(delta('six'))
    expect(tap.text()).toBe('onetwosix')
  })

  it.each([
    { name: 'content', chunk: { choices: [{ delta: { content: 'abc' } }] }, bytes: 3 },
    { name: 'reasoning', chunk: { choices: [{ delta: { reasoning_content: 'abcd' } }] }, bytes: 4 },
    {
      name: 'tool arguments',
      chunk: { choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '{"a"' } }] } }] },
      bytes: 6,
    },
    { name: 'a refusal', chunk: { choices: [{ delta: { content: null, refusal: 'no' } }] }, bytes: 2 },
    { name: 'nothing', chunk: { choices: [{ delta: { role: 'assistant', content: '' } }] }, bytes: 0 },
    {
      name: 'no log probabilities',
      chunk: { choices: [{ delta: { content: 'ab' }, logprobs: { content: [{ token: 'ab' }] } }] },
      bytes: 2,
    },
  ])('measures $name', ({ chunk, bytes }) => {
    const tap = createUsageTap({ usageAsked: false })
    tap.push(Buffer.from(event(chunk)))
    tap.next(Number.POSITIVE_INFINITY)
    expect(tap.textBytes()).toBe(bytes)
  })

  it.each([
    { name: 'an error event', stream: event({ error: { message: 'broke' } }), message: 'broke' },
    { name: 'a named error event', stream: `event: error\n${event({ error: 'broke' })}`, message: 'broke' },
    { name: 'an error without words', stream: event({ error: {} }), message: 'without a message' },
  ])('$name fails the answer', ({ stream, message }) => {
    const tap = createUsageTap({ usageAsked: false })
    tap.push(Buffer.from(stream))
    expect(tap.next(Number.POSITIVE_INFINITY).state).toEqual({
      kind: 'failed',
      message: expect.stringContaining(message),
    })
  })
})

it('a member is added without touching the rest', () => {
  const json = '{ "big": 12345678901234567890, "z": 1.0 }\n'
  expect(withMember(Buffer.from(json), 'tollgate', { a: 1 }).toString()).toBe(
    '{ "big": 12345678901234567890, "z": 1.0 ,"tollgate":{"a":1}}\n',
  )
})
