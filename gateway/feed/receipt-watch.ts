import type { Receipt } from '../../credits/receipt.ts'
import type { ReceiptTail } from '../../ledger/watch-receipts.ts'

/** Tells viewers' accounts of new receipts, reading only the streams of shards that have viewers. */
export interface ReceiptWatch {
  /** Calls back for every receipt of the account from now on: "now" is when the promise resolves. The answer stops it. */
  watch(accountId: string, onReceipt: (receipt: Receipt) => void): Promise<() => void>
  close(): Promise<void>
}

export interface ReceiptWatchDeps {
  readonly tail: ReceiptTail
  readonly shardOf: (accountId: string) => number
  readonly log: { warn(fields: object, message: string): void }
}

/** How long one read waits. Only bounds how long a dead connection goes unnoticed: a new shard wakes the reader at once. */
const blockMs = 5_000
const retryMs = 500

interface Shard {
  /** Stream id after which to read on. */
  cursor: string
  readonly listeners: Map<string, Set<(receipt: Receipt) => void>>
}

/** One reader for the whole process, asleep while nobody watches. */
export function createReceiptWatch({ tail, shardOf, log }: ReceiptWatchDeps): ReceiptWatch {
  const shards = new Map<number, Shard>()
  let reading: Promise<void> | undefined
  const closing = new AbortController()

  const read = async (): Promise<void> => {
    while (shards.size > 0 && !closing.signal.aborted) {
      try {
        const cursors = new Map([...shards].map(([shard, { cursor }]) => [shard, cursor]))
        const { entries, behind } = await tail.next(cursors, blockMs)
        for (const { shard, entryId, receipt } of entries) deliver(shard, entryId, receipt)
        // A stream that was restored from an older copy ends before our cursor: go on from its end, the poll finds what was missed.
        for (const { shard, newest } of behind) {
          const open = shards.get(shard)
          if (open !== undefined) open.cursor = newest
        }
      } catch (error) {
        if (closing.signal.aborted) return
        log.warn({ err: error }, 'cannot read receipts for the feed; trying again')
        await pause(retryMs, closing.signal)
      }
    }
  }

  const deliver = (shard: number, entryId: string, receipt: Receipt): void => {
    const open = shards.get(shard)
    if (open === undefined) return
    open.cursor = entryId
    for (const listener of open.listeners.get(receipt.accountId) ?? []) listener(receipt)
  }

  const start = (): void => {
    reading ??= read().finally(() => {
      reading = undefined
      if (shards.size > 0 && !closing.signal.aborted) start()
    })
  }

  return {
    async watch(accountId, onReceipt) {
      const index = shardOf(accountId)
      const listen = (open: Shard): void => {
        const listeners = open.listeners.get(accountId) ?? new Set()
        open.listeners.set(accountId, listeners.add(onReceipt))
      }
      if (!shards.has(index)) {
        const cursor = await tail.newest(index)
        if (!shards.has(index)) shards.set(index, { cursor, listeners: new Map() })
        listen(shards.get(index)!)
        start()
        await tail.wake()
      } else listen(shards.get(index)!)
      return () => {
        const open = shards.get(index)
        const listeners = open?.listeners.get(accountId)
        if (open === undefined || listeners === undefined) return
        listeners.delete(onReceipt)
        if (listeners.size === 0) open.listeners.delete(accountId)
        if (open.listeners.size === 0) shards.delete(index)
      }
    },
    async close() {
      closing.abort()
      shards.clear()
      await tail.close()
      await reading
    },
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
