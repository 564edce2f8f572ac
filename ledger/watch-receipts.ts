import type { Redis } from 'ioredis'
import type { Receipt } from '../credits/receipt.ts'
import { pairsOf } from './account-hash.ts'
import { shardKeys } from './keys.ts'
import { parseReceipt } from './receipts.ts'
import { asLedgerFailure } from './unavailable.ts'

export interface TailEntry {
  readonly shard: number
  readonly entryId: string
  readonly receipt: Receipt
}

/** Reads the ends of receipt streams as they grow, without taking anything from those who drain them. */
export interface ReceiptTail {
  /** Id of the last entry that a shard's stream ever had; '0-0' before the first. */
  newest(shard: number): Promise<string>
  /** What came after each shard's cursor; waits up to `blockMs` for the first. `behind`: streams that end before their cursor. */
  next(
    cursors: ReadonlyMap<number, string>,
    blockMs: number,
  ): Promise<{
    readonly entries: readonly TailEntry[]
    readonly behind: readonly { readonly shard: number; readonly newest: string }[]
  }>
  /** Ends the wait of a running `next` early, so that it can be asked for other shards. */
  wake(): Promise<void>
  close(): Promise<void>
}

const mostEntries = 1_000

/**
 * `redis` is the ordinary connection, `connect` opens the one that waits: a blocking read holds up everything behind it. Its command
 * timeout must be longer than `blockMs` (ioredis takes 0 for "at once", not for "never").
 * On a Cluster the shards of one `next` must lie on one node.
 */
export function createReceiptTail(redis: Redis, connect: () => Promise<Redis>): ReceiptTail {
  let opening: Promise<{ readonly waiting: Redis; readonly clientId: () => number }> | undefined
  let closed = false

  const open = () => {
    opening ??= openWaiting(connect).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }
  const newest = async (shard: number): Promise<string> => {
    const [last] = await redis.xrevrange(shardKeys(shard).receipts, '+', '-', 'COUNT', 1)
    if (last !== undefined) return last[0]
    // A stream that was drained to the end still knows its last id.
    const info = await redis.xinfo('STREAM', shardKeys(shard).receipts).catch((error: unknown) => {
      if (error instanceof Error && /no such key/i.test(error.message)) return []
      throw error
    })
    return pairsOf(info).get('last-generated-id') ?? '0-0'
  }

  return {
    newest: (shard) =>
      newest(shard).catch((error: unknown) => {
        throw asLedgerFailure(error)
      }),
    async next(cursors, blockMs) {
      try {
        const { waiting } = await open()
        const shards = [...cursors.keys()]
        const byKey = new Map(shards.map((shard) => [shardKeys(shard).receipts, shard]))
        const streams = await waiting.xread(
          'COUNT',
          mostEntries,
          'BLOCK',
          blockMs,
          'STREAMS',
          ...byKey.keys(),
          ...cursors.values(),
        )
        if (streams !== null) {
          const entries = streams.flatMap(([key, found]) => {
            const shard = byKey.get(key)!
            return found.map(([entryId, fields]) => ({ shard, entryId, receipt: parseReceipt(pairsOf(fields)) }))
          })
          return { entries, behind: [] }
        }
        const ends = await Promise.all(shards.map(async (shard) => ({ shard, newest: await newest(shard) })))
        return { entries: [], behind: ends.filter((end) => isBefore(end.newest, cursors.get(end.shard)!)) }
      } catch (error) {
        if (closed) return { entries: [], behind: [] }
        throw asLedgerFailure(error)
      }
    },
    async wake() {
      const connection = await opening?.catch(() => undefined)
      // Fails only while the connection is away, and then nothing waits.
      if (connection !== undefined) await redis.client('UNBLOCK', connection.clientId()).catch(() => {})
    },
    async close() {
      closed = true
      const connection = await opening?.catch(() => undefined)
      connection?.waiting.disconnect()
    },
  }
}

async function openWaiting(connect: () => Promise<Redis>) {
  const waiting = await connect()
  let clientId = Number(await waiting.client('ID'))
  // A connection that was lost comes back under another id.
  waiting.on('ready', () => {
    waiting.client('ID').then(
      (id) => (clientId = Number(id)),
      () => {},
    )
  })
  return { waiting, clientId: () => clientId }
}

function isBefore(one: string, other: string): boolean {
  const [oneMs, oneCount] = one.split('-').map(Number) as [number, number]
  const [otherMs, otherCount] = other.split('-').map(Number) as [number, number]
  return oneMs < otherMs || (oneMs === otherMs && oneCount < otherCount)
}
