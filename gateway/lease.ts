import type { ModelRates } from '../credits/model-rates.ts'
import { type Micro, toMicro } from '../credits/money.ts'
import type { Refusal } from '../credits/refusal.ts'
import type { Clock } from '../middleware/clock.ts'
import type { Hold } from '../middleware/gate.ts'
import { countedUsage, priceCall } from './usage.ts'

/** Output tokens that the first hold pays for: most answers end within it, so that they cost one reserve and one settle. */
export const firstSliceTokens = 512
/** Less than this is not worth starting a stream for. */
export const leastTokens = 16
const largestSliceTokens = 8_192
/** More text than nearly any token stands for. A provider that ignores the limit is measured again beyond it. */
const mostBytesPerToken = 16
/** How long a stream waits for a ledger that does not answer, once what it holds is used up. */
const patienceMs = 10_000

export interface LeaseDeps {
  readonly hold: Hold
  readonly rates: ModelRates
  readonly atMs: number
  /** On the safe side: what is held is made to last for at least this input. */
  readonly inputTokens: number
  readonly bytesPerToken: number
  /** The other side: no more than what went by has cost. A call whose gateway dies is charged by it, and must not be charged too much. */
  readonly atLeast: { readonly inputTokens: number; readonly bytesPerToken: number }
  /** The most that the answer may have, all choices together; Infinity when nobody said; 0 for an answer that is not to be measured at all. */
  readonly limitTokens: number
  readonly ttlMs: number
  readonly clock: Clock
}

/** A stream's credits: held in slices that grow, extended while tokens flow. Text is measured in bytes of JSON, as the tap sees it. */
export interface Lease {
  /** µcr that stand for this call. */
  held(): number
  /** How much text what is held pays for, in all. */
  roomBytes(): number
  /** So much text has gone by: asks for the next slice, in the background, when half of this one is used. */
  progress(textBytes: number): void
  /** Waits until `needBytes` are paid for, or refused. */
  more(needBytes: number): Promise<'granted' | Refusal>
  /** What was estimated is known: counted tokens so far and in the event that waits. Answers whether what is held pays for that event too. */
  recount(exact: {
    readonly inputTokens: number
    readonly outputTokens: number
    readonly pendingTokens: number
    readonly needBytes: number
  }): boolean
  /** No timer and no extension after this. */
  stop(): void
}

export function createLease({
  hold,
  rates,
  atMs,
  inputTokens,
  bytesPerToken,
  atLeast,
  limitTokens,
  ttlMs,
  clock,
}: LeaseDeps): Lease {
  let held: number = hold.granted
  let cost = linearCost(rates, inputTokens, atMs)
  let leastCost = linearCost(rates, atLeast.inputTokens, atMs)
  /** Counted tokens up to a byte; what follows is estimated. */
  let known = { bytes: 0, tokens: 0 }
  let ratio = bytesPerToken
  let grantedBytes = 0
  let seen = 0
  let slice = firstSliceTokens
  let refused = false
  let asking: Promise<Refusal | undefined> | undefined
  let stopped = false

  const tokensAt = (bytes: number): number => known.tokens + Math.ceil(Math.max(0, bytes - known.bytes) / ratio)
  const paidTokens = (): number => Math.floor((held - cost.base) / cost.perToken)
  const roomBytes = (): number => {
    if (cost.perToken === 0 || limitTokens === 0) return Number.POSITIVE_INFINITY
    const tokens = paidTokens()
    const room = Math.max(grantedBytes, known.bytes + Math.floor((tokens - known.tokens) * ratio))
    return tokens >= limitTokens ? Math.max(room, limitTokens * mostBytesPerToken) : room
  }
  const leastTokensAt = (bytes: number): number =>
    known.tokens + Math.floor(Math.max(0, bytes - known.bytes) / atLeast.bytesPerToken)
  const accrued = (): Micro =>
    toMicro(Math.max(0, Math.min(held, Math.floor(leastCost.base + leastCost.perToken * leastTokensAt(seen)))))

  function ask(tokens: number): Promise<Refusal | undefined> {
    asking ??= hold
      .extend({ accrued: accrued(), more: toMicro(Math.ceil(tokens * cost.perToken)) })
      .then((answer) => {
        refused = !answer.ok
        if (answer.ok || answer.refusal.kind !== 'ledger_unavailable') held = Math.max(held, answer.held)
        if (answer.ok) slice = Math.min(largestSliceTokens, slice * 2)
        return answer.ok ? undefined : answer.refusal
      })
      .finally(() => (asking = undefined))
    return asking
  }

  // An idle stream keeps its credits: the deadline is renewed long before it comes.
  const stopRenewing = clock.every(Math.ceil(ttlMs / 3), () => {
    if (!stopped && asking === undefined) void ask(0)
  })

  return {
    held: () => held,
    roomBytes,
    progress(textBytes) {
      seen = textBytes
      // After a refusal what is held is used up first: the next question comes when it is needed.
      if (refused || stopped || asking !== undefined || cost.perToken === 0 || paidTokens() >= limitTokens) return
      if (roomBytes() - textBytes < (slice / 2) * ratio) void ask(slice)
    },
    async more(needBytes) {
      const giveUpMs = clock.now() + patienceMs
      if (asking !== undefined) await asking
      for (;;) {
        if (roomBytes() >= needBytes) return 'granted'
        const refusal = await ask(Math.max(slice, tokensAt(needBytes) - tokensAt(seen)))
        if (refusal === undefined) continue
        const passing = refusal.kind === 'ledger_unavailable' && clock.now() < giveUpMs
        if (!passing) return roomBytes() >= needBytes ? 'granted' : refusal
        await clock.sleep(250)
      }
    },
    recount({ inputTokens: input, outputTokens, pendingTokens, needBytes }) {
      cost = linearCost(rates, input, atMs)
      leastCost = cost
      if (seen > 0 && outputTokens > 0) ratio = Math.max(0.5, (seen / outputTokens) * 0.9)
      known = { bytes: seen, tokens: outputTokens }
      const fits = priceCall(rates, countedUsage(input, outputTokens + pendingTokens), atMs).total <= held
      if (fits) grantedBytes = needBytes
      return fits
    },
    stop() {
      stopped = true
      stopRenewing()
    },
  }
}

/** A call's cost as a line over its output tokens: the input decides which one. */
function linearCost(
  rates: ModelRates,
  inputTokens: number,
  atMs: number,
): { readonly base: number; readonly perToken: number } {
  const many = 1_000_000
  const base = priceCall(rates, countedUsage(inputTokens, 0), atMs).total
  return { base, perToken: (priceCall(rates, countedUsage(inputTokens, many), atMs).total - base) / many }
}
