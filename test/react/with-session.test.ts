import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Session } from '../../react/api/shapes.ts'
import { withSession } from '../../react/with-session.ts'

const session = (change: Partial<Session> = {}): Session => ({
  id: 's1',
  kind: 'voice',
  state: 'live',
  employeeId: 'ada',
  organizationId: '',
  adapter: 'browser',
  platform: null,
  startedAt: '2026-11-14T10:00:00.000Z',
  endedAt: null,
  endReason: null,
  seconds: 10,
  credits: 500_000,
  rate: 3_000_000,
  warning: null,
  ...change,
})
const ended = session({ state: 'ended', endReason: 'requested', seconds: 30, credits: 1_500_000 })

test('a later reading takes the place of an earlier one, and none of another session', () => {
  const other = session({ id: 's2', startedAt: '2026-11-14T10:01:00.000Z' })
  const known = withSession(withSession([], session()), other)
  const later = session({ seconds: 12, credits: 600_000 })
  expect(withSession(known, later)).toEqual([other, later])
})

test.each([
  ['an earlier second', session({ seconds: 12 }), session({ seconds: 10 })],
  ['what was true before the end', ended, session({ seconds: 40 })],
  ['what was true at the door', session({ seconds: 1 }), session({ state: 'starting', seconds: 0 })],
])('%s that comes late changes nothing', (_, before, late) => {
  const known = withSession([], before)
  expect(withSession(known, late)).toBe(known)
})

test('one that is let in counts from nothing, whatever was seen before', () => {
  const before = withSession([], session({ state: 'starting', seconds: 540 }))
  expect(withSession(before, session({ seconds: 1 }))).toEqual([session({ seconds: 1 })])
})

test('what an end cost can still be set right', () => {
  const settled = { ...ended, credits: 1_500_001 }
  expect(withSession([ended], settled)).toEqual([settled])
})

test('in whatever order readings come, the end stays, or else the last second', () => {
  const readings = [session(), session({ seconds: 12 }), session({ seconds: 30 }), ended]
  fc.assert(
    fc.property(fc.shuffledSubarray(readings, { minLength: 1 }), (heard) => {
      const [known] = heard.reduce<readonly Session[]>(withSession, [])
      const last = heard.includes(ended) ? ended : heard.toSorted((one, next) => next.seconds - one.seconds)[0]
      expect(known).toEqual(last)
    }),
  )
})

test('the oldest is forgotten where there are very many', () => {
  const many = Array.from({ length: 60 }, (_, at) =>
    session({ id: `s${at}`, startedAt: new Date(1_000 * at).toISOString() }),
  )
  const known = many.reduce<readonly Session[]>(withSession, [])
  expect(known.map(({ id }) => id)).toEqual(
    many
      .map(({ id }) => id)
      .toReversed()
      .slice(0, 50),
  )
})
