import { expect, test } from 'vitest'
import { viewOfRecord } from '../../middleware/sessions/session-view.ts'
import { sessionFacts } from '../ledger/given.ts'

const name = { accountId: 'somebody', sessionId: 'call' }
const record = { startedAtMs: 1_000, aliveAtMs: 1_000, endedAtMs: null, endReason: null, secondsLeft: null } as const

test.each([
  ['that what it runs on is not there yet', { ref: '' }, false],
  ['that it has yet to be let in', { ref: 'bot' }, true],
])('one of which it is known %s has lasted nothing, and cost nothing', (_, known, isWaiting) => {
  const view = viewOfRecord(name, { ...record, facts: { ...sessionFacts, ...known }, isWaiting }, 61_000)
  expect(view).toMatchObject({ state: 'starting', ms: 0, credits: 0 })
})

test('one that is live has lasted since it began', () => {
  const view = viewOfRecord(name, { ...record, facts: { ...sessionFacts, ref: 'bot' }, isWaiting: false }, 61_000)
  expect(view).toMatchObject({ state: 'live', ms: 60_000 })
})
