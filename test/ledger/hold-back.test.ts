import { beforeEach, expect, test } from 'vitest'
import { holdBack } from '../../ledger/hold-back.ts'
import type { Operation, RunScript } from '../../ledger/scripts.ts'

interface Sent {
  readonly operation: Operation
  readonly key: string
  readonly answered: PromiseWithResolvers<unknown>
}

let sent: Sent[] = []
let run: RunScript

beforeEach(() => {
  sent = []
  run = holdBack((operation, [key]) => {
    const answered = Promise.withResolvers<unknown>()
    sent.push({ operation, key: key!, answered })
    return answered.promise
  })
})

const send = (operation: Operation, key: string): Promise<unknown> => run(operation, [key], [])
const keys = (): readonly string[] => sent.map(({ key }) => key)
const answer = (key: string): void => sent.find((one) => one.key === key)!.answered.resolve(key)
/** Whatever a promise that is already settled brings about. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a settlement on an idle connection is sent at once', () => {
  void send('settle', 'first')
  expect(keys()).toEqual(['first'])
})

test('settlements wait while a call is unanswered, and go together when it is answered', async () => {
  void send('reserve', 'call')
  const settled = ['one', 'two', 'three'].map((key) => send('settle', key))
  await turn()
  expect(keys()).toEqual(['call'])
  answer('call')
  await turn()
  expect(keys()).toEqual(['call', 'one', 'two', 'three'])
  for (const key of ['one', 'two', 'three']) answer(key)
  expect(await Promise.all(settled)).toEqual(['one', 'two', 'three'])
})

test('what cannot wait takes them along, and finds them settled', async () => {
  void send('reserve', 'call')
  void send('settle', 'settlement')
  void send('reserve', 'next')
  await turn()
  expect(keys()).toEqual(['call', 'settlement', 'next'])
})

test('a call that fails lets them go as well', async () => {
  const failing = send('extend', 'call')
  void send('settle', 'settlement')
  sent[0]!.answered.reject(new Error('away'))
  await expect(failing).rejects.toThrow('away')
  await turn()
  expect(keys()).toEqual(['call', 'settlement'])
})
