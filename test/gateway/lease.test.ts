import { describe, expect, it } from 'vitest'
import { type Micro, toMicro } from '../../credits/money.ts'
import { compilePrices } from '../../credits/prices.ts'
import type { Refusal } from '../../credits/refusal.ts'
import { createLease, firstSliceTokens } from '../../gateway/lease.ts'
import type { Hold } from '../../middleware/gate.ts'
import { catalogue } from './stand.ts'

const rates = compilePrices(catalogue).ratesOf('mock/plain')!
const base = 10 * 100

const depleted: Refusal = { kind: 'credits_depleted' }
interface LeaseOptions {
  readonly tokens?: number
  readonly left?: number
  readonly refusal?: Refusal
  readonly atLeast?: { readonly inputTokens: number; readonly bytesPerToken: number }
  readonly limitTokens?: number
}

/** A lease on a hold of `tokens` output tokens, before a ledger that has `left` µcr more. */
function leaseOf({
  tokens = firstSliceTokens,
  left = 0,
  refusal = depleted,
  atLeast = { inputTokens: 10, bytesPerToken: 3 },
  limitTokens = Infinity,
}: LeaseOptions = {}) {
  const asked: { accrued: number; more: number }[] = []
  let held: number = base + tokens * 1_000
  let available = left
  let tick = (): void => undefined
  const hold: Hold = {
    granted: toMicro(held),
    epoch: 1,
    extend: async ({ accrued, more }) => {
      asked.push({ accrued, more })
      if (more > 0 && available === 0) return { ok: false, refusal, held: held as Micro }
      const give = Math.min(more, available)
      available -= give
      held += give
      return { ok: true, held: held as Micro }
    },
    leave: () => undefined,
    settle: () => {
      throw new Error('not here')
    },
  }
  let now = 0
  const clock = {
    now: () => now,
    sleep: async (ms: number) => void (now += ms),
    every: (_: number, each: () => void) => ((tick = each), () => undefined),
  }
  const lease = createLease({
    hold,
    rates,
    atMs: 0,
    inputTokens: 10,
    bytesPerToken: 3,
    atLeast,
    limitTokens,
    ttlMs: 60_000,
    clock,
  })
  return { lease, asked, tick: () => tick() }
}

describe('a lease', () => {
  it('has room for what is held, at the estimated bytes per token', () => {
    expect(leaseOf({ tokens: 100 }).lease.roomBytes()).toBe(300)
  })

  it('asks for nothing during a short answer', () => {
    const { lease, asked } = leaseOf({ left: 1e9 })
    lease.progress(250 * 3)
    expect(asked).toEqual([])
  })

  it('asks for nothing when it holds all that the limit allows, and measures a provider that ignores the limit', async () => {
    const { lease, asked } = leaseOf({ tokens: 20, limitTokens: 20, left: 1e9 })
    lease.progress(20 * 10)
    expect(asked).toEqual([])
    expect(lease.roomBytes()).toBeLessThan(400)
    expect(await lease.more(400)).toBe('granted')
    expect(asked).toHaveLength(1)
  })

  it('asks for the next slice at half of this one, twice as large each time, with what has accrued', async () => {
    const { lease, asked } = leaseOf({ left: 1e9 })
    lease.progress(257 * 3)
    expect(await lease.more(0)).toBe('granted')
    lease.progress(600 * 3)
    expect(await lease.more(0)).toBe('granted')
    expect(asked).toEqual([
      { accrued: base + 257_000, more: 512_000 },
      { accrued: base + 600_000, more: 1_024_000 },
    ])
  })

  it('accrues no more than what went by can have cost, until it is counted', async () => {
    const { lease, asked, tick } = leaseOf({ atLeast: { inputTokens: 4, bytesPerToken: 5 } })
    lease.progress(100)
    tick()
    await lease.more(0)
    lease.recount({ inputTokens: 10, outputTokens: 25, pendingTokens: 0, needBytes: 0 })
    lease.progress(111)
    tick()
    await lease.more(0)
    const input = base / 10
    expect(asked.map(({ accrued }) => accrued)).toEqual([4 * input + 20_000, 10 * input + 27_000])
  })

  it('uses up what is held after a refusal, and asks once more at the end', async () => {
    const { lease, asked } = leaseOf()
    lease.progress(300 * 3)
    expect(await lease.more(0)).toBe('granted')
    lease.progress(400 * 3)
    lease.progress(512 * 3)
    expect(asked).toHaveLength(1)
    expect(await lease.more(513 * 3)).toEqual({ kind: 'credits_depleted' })
    expect(asked).toHaveLength(2)
  })

  it('a count shows what the estimate hid: room until the last token that is paid for', () => {
    const { lease } = leaseOf({ tokens: 100 })
    lease.progress(300)
    // 300 bytes were 60 tokens, not 100.
    expect(lease.recount({ inputTokens: 10, outputTokens: 60, pendingTokens: 1, needBytes: 305 })).toBe(true)
    expect(lease.roomBytes()).toBe(300 + Math.floor(40 * 5 * 0.9))
    lease.progress(480)
    expect(lease.recount({ inputTokens: 10, outputTokens: 99, pendingTokens: 1, needBytes: 485 })).toBe(true)
    expect(lease.recount({ inputTokens: 10, outputTokens: 99, pendingTokens: 2, needBytes: 490 })).toBe(false)
  })

  it('is renewed while the stream is idle', async () => {
    const { lease, asked, tick } = leaseOf()
    lease.progress(30)
    tick()
    await lease.more(0)
    expect(asked).toEqual([{ accrued: base + 10_000, more: 0 }])
    lease.stop()
    tick()
    expect(asked).toHaveLength(1)
  })

  it('waits for a ledger that does not answer, but not for ever', async () => {
    const { lease, asked } = leaseOf({ refusal: { kind: 'ledger_unavailable', reason: 'away' } })
    lease.progress(512 * 3)
    expect(await lease.more(513 * 3)).toMatchObject({ kind: 'ledger_unavailable' })
    expect(asked.length).toBeGreaterThan(10)
  })
})
