import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, type Redis } from 'ioredis'
import type { Receipt } from '../credits/receipt.ts'
import { pairsOf } from './account-hash.ts'
import { connectionBeside } from './connect.ts'
import { shardKeys } from './keys.ts'
import { parseReceipt } from './receipts.ts'
import { asLedgerFailure } from './unavailable.ts'

export interface TailEntry {
  readonly shard: number
  readonly entryId: string
  readonly receipt: Receipt
}

export interface Tail {
  readonly entries: readonly TailEntry[]
  readonly behind: readonly { readonly shard: number; readonly newest: string }[]
}

/** Reads the ends of receipt streams as they grow, without taking anything from those who drain them. */
export interface ReceiptTail {
  /** Id of the last entry that a shard's stream ever had; '0-0' before the first. */
  newest(shard: number): Promise<string>
  /** What came after each shard's cursor; waits up to `blockMs`, at most 10 s, for the first. `behind`: streams that end before their cursor. */
  next(cursors: ReadonlyMap<number, string>, blockMs: number): Promise<Tail>
  /** Ends the wait of a running `next` early, so that it can be asked for other shards. */
  wake(): Promise<void>
  close(): Promise<void>
}

const mostEntries = 1_000
const longestBlockMs = 10_000
/** A Cluster is asked this often: XREAD waits on one slot only, and every shard is one. The feed tells its viewers no more often than this. */
const askEveryMs = 150

/** On one Redis a connection of its own waits for all shards at once; the shards of a Cluster are asked in turns. */
export function createReceiptTail(redis: Redis | Cluster): ReceiptTail {
  const ends = createEnds(redis)
  return redis instanceof Cluster ? askingTail(redis, ends) : waitingTail(redis, ends)
}

interface Ends {
  readonly newest: (shard: number) => Promise<string>
  readonly behind: (cursors: ReadonlyMap<number, string>) => Promise<Tail['behind']>
}

function createEnds(redis: Redis | Cluster): Ends {
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
    async behind(cursors) {
      const ends = await Promise.allSettled(
        [...cursors.keys()].map(async (shard) => ({ shard, newest: await newest(shard) })),
      )
      return answeredOf(ends).filter((end) => isBefore(end.newest, cursors.get(end.shard)!))
    },
  }
}

function waitingTail(redis: Redis, { newest, behind }: Ends): ReceiptTail {
  let opening: Promise<{ readonly waiting: Redis; readonly clientId: () => number }> | undefined
  let closed = false

  const open = () => {
    opening ??= openWaiting(redis).catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  return {
    newest,
    async next(cursors, blockMs) {
      try {
        const { waiting } = await open()
        const byKey = new Map([...cursors.keys()].map((shard) => [shardKeys(shard).receipts, shard]))
        const streams = await waiting.xread(
          'COUNT',
          mostEntries,
          'BLOCK',
          blockMs,
          'STREAMS',
          ...byKey.keys(),
          ...cursors.values(),
        )
        if (streams === null) return { entries: [], behind: await behind(cursors) }
        return { entries: streams.flatMap(([key, found]) => entriesOf(byKey.get(key)!, found)), behind: [] }
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

function askingTail(redis: Cluster, { newest, behind }: Ends): ReceiptTail {
  let waking = new AbortController()
  let closed = false

  const ask = async (shard: number, cursor: string): Promise<readonly TailEntry[]> => {
    const streams = await redis.xread('COUNT', mostEntries, 'STREAMS', shardKeys(shard).receipts, cursor)
    return streams === null ? [] : entriesOf(shard, streams[0]![1])
  }

  return {
    newest,
    async next(cursors, blockMs) {
      const endMs = performance.now() + blockMs
      const { signal } = waking
      while (!closed && !signal.aborted && performance.now() < endMs) {
        const asked = await Promise.allSettled([...cursors].map(([shard, cursor]) => ask(shard, cursor)))
        const answered = answeredOf(asked)
        const failed = asked.find((answer) => answer.status === 'rejected')
        // A master that is away keeps quiet about its own shards only; they are asked again in the next turn.
        if (answered.length === 0 && failed !== undefined) throw asLedgerFailure(failed.reason)
        const entries = answered.flat()
        if (entries.length > 0) return { entries, behind: [] }
        await pause(askEveryMs, undefined, { signal }).catch(() => {})
      }
      return { entries: [], behind: closed || signal.aborted ? [] : await behind(cursors) }
    },
    wake() {
      waking.abort()
      waking = new AbortController()
      return Promise.resolve()
    },
    close() {
      closed = true
      waking.abort()
      return Promise.resolve()
    },
  }
}

function entriesOf(shard: number, found: readonly [id: string, fields: readonly string[]][]): readonly TailEntry[] {
  return found.map(([entryId, fields]) => ({ shard, entryId, receipt: parseReceipt(fields) }))
}

function answeredOf<T>(asked: readonly PromiseSettledResult<T>[]): readonly T[] {
  return asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

/** A blocking read holds up everything behind it, and would be given up as a command that takes too long. */
async function openWaiting(redis: Redis) {
  const waiting = connectionBeside(redis, 'tollgate-tail', longestBlockMs + 10_000)
  try {
    await waiting.connect()
  } catch (error) {
    waiting.disconnect()
    throw error
  }
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
