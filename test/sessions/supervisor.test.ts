import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { sessionPrice } from '../../credits/session/price.ts'
import { termsOf } from '../ledger/given.ts'
import {
  chargedOf,
  type GivenSupervisors,
  givenSupervisors,
  owedByMinute,
  type TestProcess,
  type TestSession,
  totalsOf,
} from './given-supervisors.ts'

let stand: GivenSupervisors
beforeAll(async () => {
  stand = await givenSupervisors()
})
afterAll(() => stand.stop())
beforeEach(() => {
  stand.adapter.calls.length = 0
  stand.adapter.failing = false
  stand.adapter.answer = 'unknown'
})

/** A call that a process looks after, and has looked at. */
async function attended(...given: Parameters<GivenSupervisors['session']>) {
  const session = await stand.session(...given)
  const process = await stand.process()
  const attending = process.attend(session)
  await process.supervisor.look()
  return { session, process, ...attending }
}

/** Somebody talks for so long, and tells so every five seconds. */
async function talk(session: TestSession, { supervisor }: TestProcess, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    await stand.given.clock.advance(Math.min(5, seconds - passed) * 1_000)
    await session.alive()
    await supervisor.look()
  }
}

/** Nobody is there any more; looks until it is over. */
async function silence({ supervisor }: TestProcess, seconds = 60): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 5) {
    await stand.given.clock.advance(5_000)
    await supervisor.look()
  }
}

test('each minute is debited once when it is over, the next is set aside, and the last is prorated', async () => {
  const { session, process, ended } = await attended(100)
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 0, held: 6_000_000 })
  await talk(session, process, 125)
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 6_000_000, held: 6_000_000 })
  await stand.given.clock.advance(10_500)
  await session.end()
  await process.supervisor.look()
  expect(await ended).toEqual({
    over: true,
    startedAtMs: session.startedAtMs,
    endedAtMs: session.startedAtMs + 135_500,
    endReason: 'requested',
    charged: 6_800_000,
  })
  expect(totalsOf(await session.receipts()).slice(0, 4)).toEqual([3_000_000, 3_000_000, 800_000, 0])
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 6_800_000, held: 0 })
  expect(stand.adapter.calls).toEqual([`end ${session.sessionId} requested`])
})

test('each receipt names its session and its minute, under Voice Calls', async () => {
  const { session, process, ended } = await attended(100, { message: 'message-1' })
  await talk(session, process, 61)
  await session.end()
  await process.supervisor.look()
  await ended
  const [first, second] = await session.receipts()
  expect(first).toMatchObject({
    row: 'voice_calls|||voice|ada|',
    quantities: { units: 60_000 },
    detail: {
      session: session.sessionId,
      messageId: 'message-1',
      startedAtMs: session.startedAtMs,
      durationMs: 60_000,
    },
  })
  expect(second!.detail).toMatchObject({
    startedAtMs: session.startedAtMs + 60_000,
    durationMs: 1_000,
    lines: [{ kind: 'voice', quantity: 1_000, unit: 'ms', amount: 50_000 }],
  })
})

test('at zero it ends on the minute, through its adapter; before that there was a warning', async () => {
  const { session, process, ended } = await attended(7)
  await talk(session, process, 30)
  expect(await session.read()).toMatchObject({ secondsLeft: 90, endedAtMs: null })
  await talk(session, process, 95)
  expect(await ended).toEqual({
    over: true,
    startedAtMs: session.startedAtMs,
    endedAtMs: session.startedAtMs + 120_000,
    endReason: 'credits',
    charged: 6_000_000,
  })
  expect(stand.adapter.calls).toEqual([expect.stringMatching(/^warn /), `end ${session.sessionId} credits`])
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 6_000_000, held: 0 })
})

test('what is topped up in time takes the warning back, and the call goes on', async () => {
  const { session, process, ended, handOver } = await attended(7)
  await talk(session, process, 90)
  expect((await session.read())!.secondsLeft).not.toBeNull()
  await session.topUp(50)
  await talk(session, process, 60)
  expect(await session.read()).toMatchObject({ secondsLeft: null, endedAtMs: null })
  handOver()
  expect(await ended).toMatchObject({ over: false })
})

test('a budget that is reached ends the call, whatever else is left', async () => {
  const session = await stand.session(100, { levels: ['employee:ada'] })
  await stand.given.ledger.putTerms(session.accountId, {
    ...termsOf({ version: 9, granted: creditsToMicro(100) }),
    budgets: [{ level: 'employee:ada', limit: creditsToMicro(4), window: 'total', atLimit: 'stop' }],
  })
  const process = await stand.process()
  const { ended } = process.attend(session)
  await process.supervisor.look()
  await talk(session, process, 65)
  expect(await ended).toMatchObject({
    endReason: 'budget',
    endedAtMs: session.startedAtMs + 60_000,
    charged: 3_000_000,
  })
})

test('a call that falls silent is billed to its last sign of life', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 50)
  await silence(process)
  expect(await ended).toMatchObject({
    endReason: 'connection_lost',
    endedAtMs: session.startedAtMs + 50_000,
    charged: 2_500_000,
  })
})

test('one to which nobody ever came costs nothing and leaves no receipt', async () => {
  const { session, process, ended } = await attended(100)
  await silence(process)
  expect(await ended).toMatchObject({ endReason: 'connection_lost', endedAtMs: session.startedAtMs, charged: 0 })
  expect((await session.receipts()).filter((receipt) => receipt !== undefined)).toEqual([])
})

test('the longest time ends it, and no minute beyond is set aside', async () => {
  const { session, process, ended } = await attended(100, { longestMs: 120_000 })
  await talk(session, process, 100)
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 3_000_000, held: 3_000_000 })
  await talk(session, process, 25)
  expect(await ended).toMatchObject({
    endReason: 'longest',
    endedAtMs: session.startedAtMs + 120_000,
    charged: 6_000_000,
  })
})

test('an adapter that sees somebody keeps the call alive; an empty room ends it as left', async () => {
  const session = await stand.session(100, { adapter: 'livekit' })
  const process = await stand.process()
  const { ended } = process.attend(session)
  stand.adapter.answer = 'present'
  await silence(process, 120)
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  stand.adapter.answer = 'empty'
  await silence(process, 60)
  expect(await ended).toMatchObject({ over: true, endReason: 'left' })
})

test('an adapter that is away is asked again until it lets go; the money is settled meanwhile', async () => {
  const { session, process, ended } = await attended(100)
  stand.adapter.failing = true
  await talk(session, process, 30)
  await session.end()
  await process.supervisor.look()
  expect(await stand.given.ledger.read(session.accountId)).toMatchObject({ spent: 1_500_000, held: 0 })
  stand.adapter.failing = false
  expect(await ended).toMatchObject({ over: true, endReason: 'requested' })
  expect(stand.adapter.calls).toEqual([`end ${session.sessionId} requested`])
})

test('an end that the ledger could not be told of counts from the last sign of life', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 20)
  process.cutOff()
  session.endAsked = true
  await stand.given.clock.advance(40_000)
  await process.supervisor.look()
  process.reach()
  await process.supervisor.look()
  expect(await ended).toMatchObject({ endReason: 'requested', endedAtMs: session.startedAtMs + 20_000 })
})

test('while the ledger is away nobody can tell of themselves, so silence counts from when it is back', async () => {
  const { session, process, handOver } = await attended(100)
  await talk(session, process, 20)
  process.cutOff()
  await stand.given.clock.advance(45_000)
  await process.supervisor.look()
  process.reach()
  await process.supervisor.look()
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  await talk(session, process, 60)
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  expect(totalsOf(await session.receipts()).slice(0, 2)).toEqual([3_000_000, 3_000_000])
  handOver()
})

test('a ledger that lost everything of the session has it again, with the same begin', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 70)
  await stand.given.ledger.session({ ...session, act: 'forget' })
  await process.supervisor.look()
  expect(await session.read()).toMatchObject({ startedAtMs: session.startedAtMs, endedAtMs: null })
  await talk(session, process, 20)
  await session.end()
  await process.supervisor.look()
  expect(await ended).toMatchObject({ charged: 4_500_000 })
})

test('an end that was asked for is kept, also by a ledger that forgot it', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 70)
  await stand.given.clock.advance(3_000)
  const { endedAtMs } = (await session.end()).record!
  session.noted = { reason: 'requested', atMs: endedAtMs! }
  await stand.given.ledger.session({ ...session, act: 'forget' })
  await silence(process, 20)
  expect(await ended).toMatchObject({ endReason: 'requested', endedAtMs: session.startedAtMs + 73_000 })
})

test('an end that only the last second of the ledger knew of is found in the journal after an outage', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 30)
  session.noted = { reason: 'requested', atMs: session.startedAtMs + 30_000 }
  process.cutOff()
  await process.supervisor.look()
  process.reach()
  await silence(process, 10)
  expect(await ended).toMatchObject({ endReason: 'requested', endedAtMs: session.startedAtMs + 30_000 })
})

test('a supervisor that begins while the ledger is away waits for a whole silence once it is back', async () => {
  const session = await stand.session(100)
  const first = await stand.process()
  const attending = first.attend(session)
  await first.supervisor.look()
  await talk(session, first, 20)
  attending.handOver()
  await attending.ended
  const second = await stand.process()
  second.cutOff()
  const { ended } = second.attend(session)
  await stand.given.clock.advance(60_000)
  await second.supervisor.look()
  second.reach()
  await silence(second, 30)
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  await silence(second, 5)
  expect(await ended).toMatchObject({ endReason: 'connection_lost', endedAtMs: session.startedAtMs + 20_000 })
})

test('while the journal is away a call that the ledger lost goes on; the journal is asked until it answers', async () => {
  const { session, process, ended } = await attended(100)
  await talk(session, process, 10)
  session.noted = undefined
  await stand.given.ledger.session({ ...session, act: 'forget' })
  await talk(session, process, 10)
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  session.noted = { reason: 'requested', atMs: session.startedAtMs + 20_000 }
  await silence(process, 10)
  expect(await ended).toMatchObject({ endReason: 'requested', endedAtMs: session.startedAtMs + 20_000 })
})

test('a minute that was set aside is not refused again when the ledger has lost that', async () => {
  const { session, process, ended } = await attended(7)
  await talk(session, process, 70)
  const { accountId, sessionId } = session
  const { redis, ledger } = stand.given
  await redis.del(...(await redis.keys(`*${accountId}*`)), ...(await redis.keys(`*${sessionId}*`)))
  const nowMs = stand.given.clock.nowMs()
  await stand.given.load(accountId, { granted: creditsToMicro(4) })
  await stand.given.clock.set(nowMs)
  const amount = creditsToMicro(2)
  const other = { accountId, id: stand.given.mint('other'), amount, minimum: amount, ttlMs: 600_000 }
  const known = { lineage: 1, nowMs, found: null }
  expect(await ledger.reserve({ ...other, row: session.facts.row, levels: [] }, known)).toMatchObject({
    status: 'created',
  })
  await talk(session, process, 10)
  expect(await session.read()).toMatchObject({ endedAtMs: null })
  await session.end()
  await process.supervisor.look()
  expect(await ended).toMatchObject({ endReason: 'requested' })
})

test('silence goes on from one supervisor to the next; after a death half of it is waited for again', async () => {
  const session = await stand.session(100)
  const first = await stand.process()
  const attending = first.attend(session)
  await first.supervisor.look()
  await talk(session, first, 40)
  await silence(first, 25)
  attending.handOver()
  await attending.ended
  const second = await stand.process()
  const { ended } = second.attend(session)
  await silence(second, 5)
  expect(await ended).toMatchObject({ endReason: 'connection_lost', endedAtMs: session.startedAtMs + 40_000 })

  const other = await stand.session(100)
  const dying = await stand.process()
  dying.attend(other)
  await dying.supervisor.look()
  await talk(other, dying, 40)
  dying.cutOff()
  await stand.given.clock.advance(40_000)
  const third = await stand.process()
  const afterDeath = third.attend(other)
  await third.supervisor.look()
  await silence(third, 10)
  expect(await other.read()).toMatchObject({ endedAtMs: null })
  await silence(third, 5)
  expect(await afterDeath.ended).toMatchObject({ endReason: 'connection_lost', endedAtMs: other.startedAtMs + 40_000 })
})

test('after hours without a supervisor the next one settles what was missed, and nothing twice', async () => {
  const session = await stand.session(100)
  const first = await stand.process()
  first.attend(session)
  await first.supervisor.look()
  await talk(session, first, 65)
  first.cutOff()
  for (let minutes = 0; minutes < 20; minutes += 1) {
    await stand.given.clock.advance(60_000)
    await session.alive()
    await stand.expireDue()
  }
  const second = await stand.process()
  const { ended } = second.attend(session)
  await second.supervisor.look()
  await talk(session, second, 10)
  await session.end()
  await second.supervisor.look()
  const ms = 65_000 + 20 * 60_000 + 10_000
  expect(await ended).toMatchObject({ charged: sessionPrice(ms, session.facts) })
  expect(totalsOf(await session.receipts())).toEqual(owedByMinute(session.facts, ms))
})

describe('one that has to be let in', () => {
  const waits = { waits: true, adapter: 'livekit' } as const
  const spent = async ({ accountId }: TestSession) => {
    const reading = await stand.given.ledger.read(accountId)
    return reading.status === 'loaded' ? { spent: reading.spent, held: reading.held } : reading
  }
  /** It waits for so long. */
  async function wait({ supervisor }: TestProcess, seconds: number): Promise<void> {
    stand.adapter.answer = 'waiting'
    for (let passed = 0; passed < seconds; passed += 5) {
      await stand.given.clock.advance(5_000)
      await supervisor.look()
    }
  }
  /** Seen inside by the next look, and heard of by the one after it. */
  async function letIn({ supervisor }: TestProcess): Promise<void> {
    stand.adapter.answer = 'present'
    await stand.given.clock.advance(5_000)
    await supervisor.look()
    await supervisor.look()
  }

  test('costs nothing at the door, and each minute from there once', async () => {
    const { session, process, ended } = await attended(100, waits)
    await wait(process, 200)
    expect(await session.read()).toMatchObject({ isWaiting: true, endedAtMs: null })
    expect(await spent(session)).toEqual({ spent: 0, held: 0 })
    await letIn(process)
    const { startedAtMs } = (await session.read())!
    expect(startedAtMs).toBe(session.startedAtMs + 205_000)
    await talk(session, process, 70)
    await session.end()
    await process.supervisor.look()
    expect(await ended).toMatchObject({ startedAtMs, endedAtMs: startedAtMs + 70_000, endReason: 'requested' })
    expect(totalsOf(await session.receipts())).toEqual(owedByMinute(session.facts, 70_000))
    expect(await spent(session)).toEqual({ spent: sessionPrice(70_000, session.facts), held: 0 })
  })

  test.each([
    ['its end is asked for', 'requested', (session: TestSession) => session.end()],
    ['nobody lets it in', 'left', () => void (stand.adapter.answer = 'gone')],
  ] as const)('costs nothing when %s', async (_, endReason, happens) => {
    const { session, process, ended } = await attended(100, waits)
    await wait(process, 90)
    await happens(session)
    for (let look = 0; look < 3; look += 1) {
      await stand.given.clock.advance(5_000)
      await process.supervisor.look()
    }
    const over = await ended
    expect(over).toMatchObject({ over: true, endReason, charged: 0 })
    const record = (await session.read())!
    expect(record).toMatchObject({ startedAtMs: record.endedAtMs, isWaiting: false })
    expect(await spent(session)).toEqual({ spent: 0, held: 0 })
    expect(stand.adapter.calls).toContain(`end ${session.sessionId} ${endReason}`)
  })

  test('leaves again when there is nothing left by the time that it is let in', async () => {
    const { session, process, ended } = await attended(3, waits)
    await wait(process, 90)
    const { accountId, facts } = session
    const other = { accountId, id: stand.given.mint('all'), row: facts.row, levels: [], ttlMs: 600_000 }
    const all = creditsToMicro('3')
    expect(await stand.given.ledger.reserve({ ...other, amount: all, minimum: all })).toMatchObject({ held: all })
    await letIn(process)
    await process.supervisor.look()
    expect(await ended).toMatchObject({ over: true, endReason: 'credits', charged: 0 })
  })

  test('goes on where it was when the ledger goes back to before it was let in', async () => {
    const { session, process, ended } = await attended(100, waits)
    await wait(process, 60)
    await letIn(process)
    const { startedAtMs } = (await session.read())!
    await talk(session, process, 65)
    await stand.given.ledger.session({ ...session, act: 'forget' })
    await stand.given.ledger.session({ ...session, act: 'begin', startedAtMs: session.startedAtMs })
    expect(await session.read()).toMatchObject({ isWaiting: true })
    await process.supervisor.look()
    expect(await session.read()).toMatchObject({ startedAtMs, isWaiting: false })
    await talk(session, process, 5)
    await session.end()
    await process.supervisor.look()
    expect(await ended).toMatchObject({ startedAtMs, endedAtMs: startedAtMs + 70_000 })
    expect(totalsOf(await session.receipts())).toEqual(owedByMinute(session.facts, 70_000))
  })

  test('that a worker without a door has charged from its start is not let in once more', async () => {
    const session = await stand.session(100, waits)
    const { waits: _, ...noDoor } = session.facts
    const old = await stand.process()
    const { handOver } = old.attend({ ...session, facts: noDoor, endAsked: false })
    await stand.given.ledger.session({ ...session, act: 'admit' })
    await old.supervisor.look()
    await talk(session, old, 65)
    handOver()
    const next = await stand.process()
    const { ended } = next.attend({ ...session, progress: { ...session.progress, settledMinutes: 1 } })
    await next.supervisor.look()
    await session.end()
    await next.supervisor.look()
    expect(await ended).toMatchObject({ startedAtMs: session.startedAtMs })
    expect(totalsOf(await session.receipts())).toEqual(owedByMinute(session.facts, 65_000))
  })

  test('is let in once, whoever looks after it, and also for a ledger that has lost it', async () => {
    const { session, process } = await attended(100, waits)
    await wait(process, 60)
    const told = session.progress
    await letIn(process)
    const { startedAtMs } = (await session.read())!
    await talk(session, process, 65)
    process.cutOff()
    // What the first one knew last did not come to the next
    const late = await stand.process()
    const { handOver } = late.attend({ ...session, progress: told })
    await late.supervisor.look()
    await talk(session, late, 5)
    handOver()
    await stand.given.ledger.session({ ...session, act: 'forget' })
    const last = await stand.process()
    const { ended } = last.attend(session)
    await last.supervisor.look()
    expect(await session.read()).toMatchObject({ startedAtMs, isWaiting: false })
    await talk(session, last, 10)
    await session.end()
    await last.supervisor.look()
    expect(await ended).toMatchObject({ startedAtMs, endedAtMs: startedAtMs + 80_000 })
    expect(totalsOf(await session.receipts())).toEqual(owedByMinute(session.facts, 80_000))
  })
})

type Step =
  | { readonly do: 'pass'; readonly seconds: number }
  | { readonly do: 'alive' | 'end' | 'expire' | 'takeOver' | 'cutOff' | 'reach' | 'forget' }
  | { readonly do: 'look'; readonly whose: number }
  | { readonly do: 'lose'; readonly whose: number; readonly operation: string }
  | { readonly do: 'topUp'; readonly credits: number }

const whose = fc.integer({ min: 0, max: 1 })
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('alive' as const) }) },
    { weight: 8, arbitrary: fc.record({ do: fc.constant('look' as const), whose }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('expire' as const, 'takeOver' as const) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cutOff' as const, 'reach' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'forget' as const) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('lose' as const),
        whose,
        operation: fc.constantFrom('reserve', 'extend', 'settle', 'session', 'release'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('topUp' as const), credits: fc.integer({ min: 1, max: 9 }) }) },
  ),
  { minLength: 20, maxLength: 120 },
)

test('whatever dies, is repeated, is lost or runs out: each minute is charged once, and all of them are the price of the time', async () => {
  const rounding = fc.constantFrom('exact' as const, 'second' as const, 'minute' as const)
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 3, max: 60 }), rounding, async (taken, credits, rounds) => {
      const session = await stand.session(credits, { rounding: rounds })
      const processes = [await stand.process(), await stand.process()]
      const running = [processes[0]!.attend(session)]
      for (const step of taken) await take(step, session, processes, running)
      const last = await stand.process()
      const { ended } = last.attend(session)
      for (const process of processes) process.reach()
      await silence(last, 200)
      await last.supervisor.look()
      const over = await ended
      expect(over.over).toBe(true)
      // Whoever still holds something is dead: its leases run out.
      for (let minutes = 0; minutes < 4; minutes += 1) {
        await stand.given.clock.advance(60_000)
        await stand.expireDue()
      }
      const record = (await session.read())!
      const receipts = await session.receipts()
      expect(totalsOf(receipts)).toEqual(owedByMinute(session.facts, record.endedAtMs! - session.startedAtMs))
      const reading = await stand.given.ledger.read(session.accountId)
      expect(reading).toMatchObject({ held: 0, spent: chargedOf(receipts) })
    }),
    { numRuns: 150, interruptAfterTimeLimit: 45_000 },
  )
}, 120_000)

async function take(
  step: Step,
  session: TestSession,
  processes: TestProcess[],
  running: { handOver(): void }[],
): Promise<void> {
  switch (step.do) {
    case 'pass':
      return stand.given.clock.advance(step.seconds * 1_000)
    case 'alive':
      return void (await session.alive())
    case 'end':
      return void (await session.end())
    case 'forget':
      // What has ended comes back from the journal, which is not here
      if ((await session.read())?.endedAtMs !== null) return
      await stand.given.ledger.session({ ...session, act: 'forget' })
      // Whoever died with what it had settled since its last word knew more than the next one: somebody is in the call, and says so
      await session.alive()
      return
    case 'topUp':
      return session.topUp(step.credits)
    case 'expire':
      return stand.expireDue()
    case 'look':
      return processes[step.whose]!.supervisor.look()
    case 'lose':
      return processes[step.whose]!.loseNextAnswerOf(step.operation)
    case 'cutOff':
      return processes[0]!.cutOff()
    case 'reach':
      return processes[0]!.reach()
    case 'takeOver':
      running.push(processes[1]!.attend(session))
  }
}
