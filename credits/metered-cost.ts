import { type Micro, toMicro } from './money.ts'

const msPerMinute = 60_000n

/** What so many whole ms cost at a price per minute, rounded up to a micro-credit once. Throws RangeError for a time that is none. */
export function meteredCost(ms: number, perMinute: Micro): Micro {
  if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError(`not a time in ms: ${ms}`)
  return toMicro(Number((BigInt(ms) * BigInt(perMinute) + msPerMinute - 1n) / msPerMinute))
}
