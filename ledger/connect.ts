import { Redis } from 'ioredis'
import { LedgerUnavailable } from './unavailable.ts'

export interface ConnectOptions {
  /** A command that takes longer is given up, and its outcome is unknown. Default 1,000 ms. */
  readonly commandTimeoutMs?: number | undefined
  /** Called for each failure of the connection, which goes on trying by itself. */
  readonly onError?: ((error: Error) => void) | undefined
}

/** A connection to one Redis, fit for the ledger: it fails fast while Redis is away instead of queueing. Rejects with LedgerUnavailable if it cannot connect now. */
export async function connectRedis(url: string, options: ConnectOptions = {}): Promise<Redis> {
  const redis = new Redis(url, failFast(options.commandTimeoutMs))
  let failure: unknown
  redis.on('error', (error: Error) => {
    failure = error
    options.onError?.(error)
  })
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    // A refused password or certificate is told by the event; the promise knows only that the connection is closed
    const cause = failure ?? error
    throw new LedgerUnavailable(
      `the ledger does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    )
  }
  return redis
}

/** Another connection to the server of this one, with its credentials, which is not connected yet. `name` is what CLIENT LIST shows. */
export function connectionBeside(redis: Redis, name: string, commandTimeoutMs = redis.options.commandTimeout): Redis {
  const { host, port, username, password, db, tls } = redis.options
  const beside = new Redis({
    ...failFast(commandTimeoutMs),
    connectionName: name,
    host,
    ...(port === undefined ? {} : { port }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(db === undefined ? {} : { db }),
    ...(tls === undefined ? {} : { tls }),
  })
  // The first connection to the same server tells of its failures
  beside.on('error', () => {})
  return beside
}

function failFast(commandTimeoutMs = 1_000) {
  return {
    // ioredis 6 would speak RESP3, whose replies have other shapes
    protocol: 2,
    lazyConnect: true,
    // A reserve that waits for Redis to come back would start work long after its caller gave up
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    commandTimeout: commandTimeoutMs,
    // One plain connection with many calls in flight is faster than stop-and-wait batches
    enableAutoPipelining: false,
    retryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
    // A master that became a replica keeps its connections; behind the same name there is a new master by now
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } as const
}
