import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Redis } from 'ioredis'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createHeardMessages } from '../../ledger/heard-messages.ts'
import { heardKey } from '../../ledger/keys.ts'
import { LedgerUnavailable } from '../../ledger/unavailable.ts'

let server: RunningRedis
let redis: Redis
beforeAll(async () => {
  server = await startRedis()
  redis = await connectRedis(server.url)
})
afterAll(async () => {
  redis.disconnect()
  await server.stop()
})

test('a message counts as heard once it is noted, for an hour, by its sender', async () => {
  const heard = createHeardMessages(redis)
  expect(await heard.wasHeard('livekit', 'EV_1')).toBe(false)
  expect(await heard.wasHeard('livekit', 'EV_1')).toBe(false)
  await heard.note('livekit', 'EV_1')
  expect(await heard.wasHeard('livekit', 'EV_1')).toBe(true)
  expect(await heard.wasHeard('livekit', 'EV_2')).toBe(false)
  expect(await heard.wasHeard('a company', 'EV_1')).toBe(false)
  const leftMs = await redis.pttl(heardKey('livekit', 'EV_1'))
  expect(leftMs).toBeGreaterThan(600_000)
  expect(leftMs).toBeLessThanOrEqual(3_600_000)
})

test('without Redis nothing is known: it is neither heard nor new', async () => {
  const cut = await connectRedis(server.url)
  cut.disconnect()
  const heard = createHeardMessages(cut)
  await expect(heard.wasHeard('livekit', 'EV_1')).rejects.toThrow(LedgerUnavailable)
  await expect(heard.note('livekit', 'EV_1')).rejects.toThrow(LedgerUnavailable)
})
