import { Redis } from 'ioredis'
import { asLedgerFailure } from './unavailable.ts'

export interface ConnectOptions {
  /** A command that takes longer is given up, and its outcome is unknown. Default 1,000 ms. */
  readonly commandTimeoutMs?: number | undefined
  /** Called for each failure of the connection, which goes on trying by itself. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** A connection fit for the ledger: it fails fast while Redis is away instead of queueing. Rejects with LedgerUnavailable if it cannot connect now. */
export async function connectRedis(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const redis = new Redis(url, {
    // ioredis 6 would speak RESP3, whose replies have other shapes
    protocol: 2,
    lazyConnect: true,
    // A reserve that waits for Redis to come back would start work long after its caller gave up
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    commandTimeout: options.commandTimeoutMs ?? 1_000,
    // One plain connection with many calls in flight is faster than stop-and-wait batches
    enableAutoPipelining: false,
    retryStrategy: (attempt) => Math.min(50 * attempt, 1_000),
  })
  redis.on('error', (error: Error) => options.onError?.(error))
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw asLedgerFailure(error)
  }
  return redis
}
