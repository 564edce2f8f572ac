import type { Redis } from 'ioredis'

/** Receipts that the journal has not got yet. */
export async function undrainedIn(redis: Redis): Promise<number> {
  const streams = await redis.keys('tg:*:receipts')
  const lengths = await Promise.all(streams.map((stream) => redis.xlen(stream)))
  return lengths.reduce((total, length) => total + length, 0)
}
