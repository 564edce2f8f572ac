import { expect, test } from 'vitest'
import { freePort } from '../../bin/stack/free-port.ts'
import { startRedis } from '../../bin/stack/redis.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { LedgerUnavailable, createLedger } from '../../ledger/ledger.ts'
import { row } from './given.ts'

const request = {
  accountId: 'a',
  id: '0mwrwvw7t.key',
  amount: toMicro(1),
  minimum: zero,
  ttlMs: 1_000,
  row,
  levels: [],
}

test('where no Redis listens the ledger is unavailable, not a hanging promise', async () => {
  await expect(connectRedis(`redis://127.0.0.1:${await freePort()}`)).rejects.toThrow(LedgerUnavailable)
})

test('a reserve fails closed while Redis is away, and works again when it is back', async () => {
  const first = await startRedis()
  const ledger = createLedger(await connectRedis(first.url), { depletedBelow: zero })
  expect(await ledger.reserve(request)).toEqual({ status: 'account_not_loaded' })
  await first.kill()
  await expect(ledger.reserve(request)).rejects.toThrow(LedgerUnavailable)
  const second = await startRedis({ port: first.port })
  await expect
    .poll(() => ledger.reserve(request).catch((error: Error) => error.name), { timeout: 20_000 })
    .toEqual({
      status: 'account_not_loaded',
    })
  await ledger.close()
  await second.stop()
})

test('scripts that Redis has forgotten are loaded again', async () => {
  const server = await startRedis()
  const redis = await connectRedis(server.url)
  const ledger = createLedger(redis, { depletedBelow: zero })
  await ledger.reserve(request)
  await redis.script('FLUSH')
  expect(await ledger.reserve(request)).toEqual({ status: 'account_not_loaded' })
  await ledger.close()
  await server.stop()
})
