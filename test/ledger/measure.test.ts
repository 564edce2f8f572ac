import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Measurement, MeterSegment } from '../../ledger/ledger.ts'
import { type GivenLedger, givenLedger } from './given.ts'

const leaseMs = 30_000
const longestMs = 300_000
const keptMs = 86_400_000

let given: GivenLedger
let meters = 0

beforeAll(async () => {
  given = await givenLedger()
})
afterAll(() => given.stop())

/** A meter that nobody has used, in an account that need not even be loaded. */
function newMeter() {
  const meter = `run-${(meters += 1)}`
  const times = { leaseMs, longestMs, keptMs, untoldMs: 0, stoppedAgoMs: 0 }
  const same = { accountId: 'somebody', meter, ...times, safe: [] }
  return {
    run: (lease: string, untoldMs = 0) => given.ledger.measure({ ...same, act: 'run', lease, untoldMs }),
    stop: (lease: string, untoldMs = 0, stoppedAgoMs = 0) =>
      given.ledger.measure({ ...same, act: 'stop', lease, untoldMs, stoppedAgoMs }),
    close: (safe: readonly MeterSegment[] = []) =>
      given.ledger.measure({ ...same, act: 'close', lease: 'nobody', safe }),
  }
}

const totalOf = ({ open, ended }: Measurement): number =>
  [...ended, ...(open === null ? [] : [open])].reduce((sum, { ms }) => sum + ms, 0)

test('work side by side counts once, and waiting in between not at all', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(4_000)
  await meter.run('two')
  await given.clock.advance(3_000)
  await meter.stop('one')
  await given.clock.advance(2_000)
  expect(await meter.stop('two')).toMatchObject({ leases: 0, open: { number: 1, ms: 9_000 }, ended: [] })
  await given.clock.advance(5_000)
  await meter.run('three')
  await given.clock.advance(1_000)
  expect(await meter.stop('three')).toMatchObject({ open: { number: 1, ms: 10_000 }, ended: [] })
  expect(await meter.close()).toMatchObject({ open: null, ended: [{ number: 1, ms: 10_000 }] })
})

test('a meter whose worker died stops at the end of its lease, and what comes later is another segment', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(10_000)
  await meter.run('one')
  await given.clock.advance(3_600_000)
  expect(await meter.run('two')).toMatchObject({
    leases: 1,
    open: { number: 2, ms: 0 },
    ended: [{ number: 1, ms: 10_000 + leaseMs }],
  })
})

test('a segment that has become long ends under what runs, which goes on in the next without a seam', async () => {
  const meter = newMeter()
  await meter.run('one')
  for (let turn = 0; turn < 31; turn += 1) {
    await given.clock.advance(10_000)
    await meter.run('one')
  }
  const answer = await meter.stop('one')
  expect(answer).toMatchObject({ ended: [{ number: 1, ms: longestMs }], open: { number: 2, ms: 10_000 } })
})

test('an ended segment is told until its settlement is safe', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(1_000)
  await meter.stop('one')
  const { ended } = await meter.close()
  expect((await meter.run('two')).ended).toEqual(ended)
  expect((await meter.close(ended)).ended).toEqual([])
  // Of another life of the meter: same number, another birth
  await meter.stop('two')
  const second = (await meter.close()).ended
  expect(second).toMatchObject([{ number: 2 }])
  expect((await meter.close([{ ...second[0]!, bornMs: 1 }])).ended).toEqual(second)
})

test('only what nothing runs in can be closed', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(1_000)
  expect(await meter.close()).toMatchObject({ leases: 1, open: { number: 1, ms: 1_000 }, ended: [] })
})

test('an idle meter that nobody closed ends by itself, so that its hold need not outlive it', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(1_000)
  await meter.stop('one')
  await given.clock.advance(leaseMs + 1)
  expect(await meter.run('two')).toMatchObject({ open: { number: 2 }, ended: [{ number: 1, ms: 1_000 }] })
})

test('a clock that is set back counts nothing twice and keeps no lease beyond one that begins now', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(5_000)
  await meter.run('two')
  await given.clock.advance(-3_600_000)
  expect(totalOf(await meter.stop('one'))).toBe(5_000)
  await given.clock.advance(3_600_000)
  expect(totalOf(await meter.close())).toBeLessThanOrEqual(5_000 + leaseMs)
})

test('work that is told of late is counted from its begin, where nothing else has counted', async () => {
  const meter = newMeter()
  await given.clock.advance(3_000)
  expect(await meter.run('one', 2_000)).toMatchObject({ open: { number: 1, ms: 2_000 } })
  await given.clock.advance(1_000)
  expect(await meter.run('two', 4_000)).toMatchObject({ open: { ms: 3_000 } })
  await meter.stop('one')
  expect(await meter.stop('two')).toMatchObject({ leases: 0, open: { ms: 3_000 } })
  await given.clock.advance(5_000)
  expect(await meter.stop('one', 1_500)).toMatchObject({ leases: 0, open: { ms: 4_500 } })
  await given.clock.advance(2_000)
  expect(await meter.run('one', 7_000)).toMatchObject({ open: { ms: 6_500 } })
})

test('no more than a lease of it is counted', async () => {
  const meter = newMeter()
  expect(await meter.stop('one', 3_600_000)).toMatchObject({ leases: 0, open: { number: 1, ms: leaseMs } })
  expect(await meter.close()).toMatchObject({ open: null, ended: [{ number: 1, ms: leaseMs }] })
})

test('an end that is told of late is none the later, unless the time since is counted by then', async () => {
  const meter = newMeter()
  await meter.run('one')
  await given.clock.advance(10_000)
  expect(await meter.stop('one', 0, 4_000)).toMatchObject({ leases: 0, open: { number: 1, ms: 6_000 } })
  await given.clock.advance(1_000)
  // The 5 s since were nobody's: work that began within them begins where it says
  expect(await meter.run('one', 3_000)).toMatchObject({ open: { ms: 9_000 } })
  await given.clock.advance(2_000)
  await meter.run('two')
  await given.clock.advance(1_000)
  await meter.stop('two')
  expect(await meter.stop('one', 0, 2_000)).toMatchObject({ leases: 0, open: { ms: 12_000 } })
  await given.clock.advance(9_000)
  expect(await meter.stop('three', 500, 1_000)).toMatchObject({ leases: 0, open: { ms: 12_500 } })
})

test('names that would spell another key are refused', async () => {
  const times = { leaseMs, longestMs, keptMs, untoldMs: 0, stoppedAgoMs: 0 }
  const request = { accountId: 'somebody', lease: 'l', act: 'run', ...times, safe: [] } as const
  await expect(given.ledger.measure({ ...request, meter: 'a:b' })).rejects.toThrow(RangeError)
  await expect(given.ledger.measure({ ...request, meter: '' })).rejects.toThrow(RangeError)
  await expect(given.ledger.measure({ ...request, meter: 'm', leaseMs: 0.5 })).rejects.toThrow(RangeError)
  await expect(given.ledger.measure({ ...request, meter: 'm', untoldMs: -1 })).rejects.toThrow(RangeError)
  await expect(given.ledger.measure({ ...request, meter: 'm', stoppedAgoMs: 0.5 })).rejects.toThrow(RangeError)
})

type Step = readonly ['run' | 'stop' | 'close', lease: number, afterMs: number, untoldMs: number, agoMs: number]

/**
 * The length of the union of what each lease covers: from its beginning, or from before where nothing has counted yet, until it was stopped, or until its last
 * renewal ran out.
 */
function unionOf(steps: readonly Step[]): number {
  const covered: (readonly [number, number])[] = []
  const held = new Map<number, { from: number; until: number }>()
  let now = 0
  let countedTo = Number.NEGATIVE_INFINITY
  let lookedAt = Number.NEGATIVE_INFINITY
  const over = (lease: number): void => {
    const one = held.get(lease)
    if (one === undefined) return
    covered.push([one.from, Math.min(now, one.until)])
    countedTo = Math.max(countedTo, Math.min(now, one.until))
    held.delete(lease)
  }
  for (const [act, lease, afterMs, untoldMs, agoMs] of steps) {
    const real = now
    if (act === 'stop') now = Math.max(now - agoMs, countedTo, lookedAt)
    for (const [name, { until }] of held) if (until <= now) over(name)
    const from = held.size > 0 ? now : Math.max(now - Math.min(untoldMs, leaseMs), countedTo)
    if (act === 'run') held.set(lease, { from: held.get(lease)?.from ?? from, until: now + leaseMs })
    if (act === 'stop') {
      if (!held.has(lease)) covered.push([from, now])
      over(lease)
      countedTo = now
    }
    if (held.size > 0) lookedAt = now
    now = real + afterMs
  }
  for (const lease of held.keys()) over(lease)
  let total = 0
  let end = Number.NEGATIVE_INFINITY
  for (const [from, until] of covered.toSorted(([a], [b]) => a - b)) {
    total += Math.max(0, until - Math.max(from, end))
    end = Math.max(end, until)
  }
  return total
}

test('whatever is run, stopped and closed when, the segments sum to the union of the leases', async () => {
  const step = fc.tuple(
    fc.constantFrom('run', 'run', 'stop', 'close' as const),
    fc.integer({ min: 1, max: 4 }),
    fc.oneof(fc.integer({ min: 0, max: 2 * leaseMs }), fc.constantFrom(0, leaseMs, leaseMs + 1, longestMs)),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * leaseMs })),
    fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * leaseMs })),
  ) as fc.Arbitrary<Step>
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const meter = newMeter()
      for (const [act, lease, afterMs, untoldMs, agoMs] of steps) {
        if (act === 'close') await meter.close()
        else if (act === 'run') await meter.run(`lease-${lease}`, untoldMs)
        else await meter.stop(`lease-${lease}`, untoldMs, agoMs)
        await given.clock.advance(afterMs)
      }
      const last = await meter.close()
      expect(totalOf(last)).toBe(unionOf(steps))
      for (const { ms } of last.ended) expect(ms).toBeGreaterThanOrEqual(0)
      expect(last.ended.map(({ number }) => number)).toEqual(last.ended.map((_, index) => index + 1))
    }),
    { numRuns: 300 },
  )
})
