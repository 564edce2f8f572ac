import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionReading, SessionRequest } from '../../ledger/ledger.ts'
import { type GivenLedger, givenLedger, sessionFacts as facts } from './given.ts'

let given: GivenLedger
let sessions = 0

beforeAll(async () => {
  given = await givenLedger()
})
afterAll(() => given.stop())

type Act = SessionRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'accountId' | 'sessionId'>
    : never
  : never

/** A session that nobody has begun, in an account that need not even be loaded. */
function newSession(accountId = 'somebody') {
  const name = { accountId, sessionId: `session-${(sessions += 1)}` }
  const act = (request: Act): Promise<SessionReading> => given.ledger.session({ ...name, ...request })
  return {
    name,
    act,
    begin: () => act({ act: 'begin', facts }),
    alive: () => act({ act: 'alive' }),
    end: (more: object = {}) => act({ act: 'end', reason: 'requested', ...more }),
    read: async () => (await act({ act: 'read' })).record,
  }
}

test('a session begins once, is renewed by signs of life and ends once, all by the time of Redis', async () => {
  const session = newSession()
  const startedAtMs = given.clock.nowMs()
  await session.begin()
  await given.clock.advance(7_000)
  await session.begin()
  expect(await session.read()).toEqual({
    startedAtMs,
    aliveAtMs: startedAtMs,
    endedAtMs: null,
    endReason: null,
    secondsLeft: null,
    facts,
    isWaiting: false,
  })
  await session.alive()
  await given.clock.advance(2_000)
  await session.end()
  await given.clock.advance(2_000)
  await session.alive()
  const after = await session.end({ reason: 'credits' })
  expect(after.nowMs).toBe(startedAtMs + 11_000)
  expect(after.record).toMatchObject({
    startedAtMs,
    aliveAtMs: startedAtMs + 7_000,
    endedAtMs: startedAtMs + 9_000,
    endReason: 'requested',
  })
})

test('one that waits begins when it is let in, once', async () => {
  const session = newSession()
  const waitsSinceMs = given.clock.nowMs()
  await session.begin()
  await session.act({ act: 'note', facts: { ...facts, waits: true } })
  await given.clock.advance(90_000)
  await session.alive()
  expect(await session.read()).toMatchObject({
    startedAtMs: waitsSinceMs,
    aliveAtMs: waitsSinceMs + 90_000,
    isWaiting: true,
  })
  await given.clock.advance(5_000)
  await session.act({ act: 'admit' })
  const begun = { startedAtMs: waitsSinceMs + 95_000, isWaiting: false }
  await given.clock.advance(5_000)
  await session.act({ act: 'admit' })
  // As a start does that is tried again
  await session.act({ act: 'note', facts: { ...facts, waits: true } })
  expect(await session.read()).toMatchObject({ ...begun, aliveAtMs: waitsSinceMs + 100_000 })
  await session.end()
  expect(await session.read()).toMatchObject({ ...begun, endedAtMs: waitsSinceMs + 100_000 })
  expect((await given.ledger.readSessions([session.name])).get(session.name)?.record).toMatchObject(begun)
})

test('one that was seen inside before it was noted that it waits has not waited', async () => {
  const session = newSession()
  const startedAtMs = given.clock.nowMs()
  await session.begin()
  await given.clock.advance(1_000)
  await session.act({ act: 'admit' })
  await session.act({ act: 'note', facts: { ...facts, waits: true } })
  expect(await session.read()).toMatchObject({ startedAtMs, isWaiting: false })
})

test('a ledger that went back is told when it was let in', async () => {
  const session = newSession()
  await session.act({ act: 'begin', facts: { ...facts, waits: true } })
  await given.clock.advance(60_000)
  const startedAtMs = given.clock.nowMs() - 20_000
  expect((await session.act({ act: 'admit', startedAtMs })).record).toMatchObject({ startedAtMs, isWaiting: false })
})

test('one that waits for nothing has lasted nothing, and is let in by nobody', async () => {
  const session = newSession()
  await session.act({ act: 'begin', facts: { ...facts, waits: true } })
  await given.clock.advance(90_000)
  const { record, nowMs } = await session.end({ reason: 'left' })
  expect(record).toMatchObject({ startedAtMs: nowMs, endedAtMs: nowMs, isWaiting: false })
  await given.clock.advance(1_000)
  expect((await session.act({ act: 'admit' })).record).toMatchObject({ startedAtMs: nowMs, endedAtMs: nowMs })
})

test('nothing is known of a session that nobody has begun, and no sign of life makes one', async () => {
  const session = newSession()
  expect((await session.alive()).record).toBeNull()
  expect((await session.end()).record).toBeNull()
  expect(await session.read()).toBeNull()
})

test('a session that fell silent ends at its last sign of life, unless there was another meanwhile', async () => {
  const session = newSession()
  await session.begin()
  await given.clock.advance(5_000)
  const alive = (await session.alive()).record!.aliveAtMs
  await given.clock.advance(40_000)
  const silent = { reason: 'connection_lost', latestMs: alive, unlessAliveAfterMs: alive }
  await session.alive()
  expect((await session.end(silent)).record).toMatchObject({ endedAtMs: null })
  await session.end({ ...silent, unlessAliveAfterMs: alive + 40_000 })
  expect(await session.read()).toMatchObject({ endedAtMs: alive, endReason: 'connection_lost' })
})

test.each([
  ['later than now', 9_000, 5_000],
  ['before it began', -9_000, 0],
])('an end that is said to be %s is none', async (_, latestMs, endedAfter) => {
  const session = newSession()
  const { startedAtMs } = (await session.begin()).record!
  await given.clock.advance(5_000)
  expect((await session.end({ latestMs: startedAtMs + latestMs })).record).toMatchObject({
    endedAtMs: startedAtMs + endedAfter,
  })
})

test('one that was lost is put back from what its supervisor knows, and goes on as it was', async () => {
  const session = newSession()
  const startedAtMs = given.clock.nowMs() - 90_000
  const known = { startedAtMs, aliveAtMs: startedAtMs + 85_000 }
  await session.act({ act: 'begin', facts, ...known })
  expect(await session.read()).toMatchObject(known)
  await session.act({ act: 'begin', facts, startedAtMs: startedAtMs + 1, aliveAtMs: startedAtMs + 2 })
  expect(await session.read()).toMatchObject(known)
})

test('a clock that is set back takes no sign of life back and puts no begin ahead', async () => {
  const session = newSession()
  await session.begin()
  await given.clock.advance(60_000)
  const { aliveAtMs } = (await session.alive()).record!
  await given.clock.advance(-30_000)
  expect((await session.alive()).record).toMatchObject({ aliveAtMs })
  const lost = newSession()
  const { record, nowMs } = await lost.act({ act: 'begin', facts, startedAtMs: aliveAtMs, aliveAtMs: aliveAtMs + 1 })
  expect(record).toMatchObject({ startedAtMs: nowMs, aliveAtMs: nowMs })
})

test('a warning stands until it is taken back, and facts can be completed', async () => {
  const session = newSession()
  await session.begin()
  await session.act({ act: 'warn', secondsLeft: 100 })
  expect(await session.read()).toMatchObject({ secondsLeft: 100 })
  await session.act({ act: 'note', facts: { ...facts, ref: 'room-1' } })
  await session.act({ act: 'warn', secondsLeft: null })
  expect(await session.read()).toMatchObject({ secondsLeft: null, facts: { ...facts, ref: 'room-1' } })
})

test('an account lists what is open; what came to nothing or has ended is not among it', async () => {
  const [open, ended, forgotten] = ['open', 'ended', 'forgotten'].map(() => newSession('lister'))
  for (const session of [open!, ended!, forgotten!]) await session.begin()
  await ended!.end()
  await forgotten!.act({ act: 'forget' })
  expect(await given.ledger.openSessions('lister')).toEqual([open!.name.sessionId])
  expect(await forgotten!.read()).toBeNull()
})

test('many sessions of many accounts are read in a few calls, each as it is', async () => {
  const many = Array.from({ length: 300 }, (_, at) => newSession(`account-${at % 70}`))
  await Promise.all(many.map((session) => session.begin()))
  await many[7]!.end()
  const nobodys = newSession()
  const readings = await given.ledger.readSessions([...many, nobodys].map(({ name }) => name))
  expect(readings.size).toBe(301)
  expect(readings.get(nobodys.name)?.record).toBeNull()
  for (const { name } of many) expect(readings.get(name)?.record?.facts).toEqual(facts)
  expect([...readings.values()].filter(({ record }) => record?.endedAtMs != null)).toHaveLength(1)
})

test.each([{ sessionId: '' }, { sessionId: 'a|b' }, { sessionId: 'x'.repeat(65) }, { accountId: '' }])(
  '%j is a RangeError before Redis hears of it',
  async (change) => {
    const request = { accountId: 'somebody', sessionId: 'call', act: 'read', ...change } as const
    await expect(given.ledger.session(request)).rejects.toThrow(RangeError)
  },
)

test('whatever comes in which order: it begins once, ends once, and its end lies between begin and now', async () => {
  const acts = fc.oneof(
    fc.constant<Act>({ act: 'alive' }),
    fc.constant<Act>({ act: 'begin', facts }),
    fc.record({
      act: fc.constant('end' as const),
      reason: fc.constantFrom('requested' as const, 'credits' as const),
      latestMs: fc.integer({ min: given.clock.nowMs() - 100_000, max: given.clock.nowMs() + 1_000_000 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(acts, fc.integer({ min: 0, max: 60_000 })), { maxLength: 12 }),
      async (steps) => {
        const session = newSession()
        const seen: SessionReading[] = []
        for (const [act, ms] of steps) {
          await given.clock.advance(ms)
          seen.push(await session.act(act))
        }
        const known = seen.flatMap(({ record, nowMs }) => (record === null ? [] : [{ record, nowMs }]))
        const over = known.flatMap(({ record }) => (record.endedAtMs === null ? [] : [record]))
        // Once there, it stays; once ended, too
        expect(seen.slice(seen.length - known.length).every(({ record }) => record !== null)).toBe(true)
        expect(known.slice(known.length - over.length).every(({ record }) => record.endedAtMs !== null)).toBe(true)
        expect(new Set(known.map(({ record }) => record.startedAtMs)).size).toBeLessThanOrEqual(1)
        expect(new Set(over.map((record) => JSON.stringify(record))).size).toBeLessThanOrEqual(1)
        for (const { record, nowMs } of known) {
          const endedAtMs = record.endedAtMs ?? nowMs
          expect(record.aliveAtMs).toBeLessThanOrEqual(nowMs)
          expect([endedAtMs >= record.startedAtMs, endedAtMs <= nowMs]).toEqual([true, true])
        }
      },
    ),
    { numRuns: 50 },
  )
})
