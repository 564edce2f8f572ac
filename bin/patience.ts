import type { Log } from './log.ts'
import { StoreAway } from './store-away.ts'

export interface Patience {
  /**
   * What `open` gives, which is tried again while it throws StoreAway, and at least once. Rejects with its last error when the time is over, and at
   * once when the process is to stop, when the start has failed elsewhere, and for any other error.
   */
  untilThere<T>(store: string, open: () => Promise<T>): Promise<T>
  /** The start has failed: nothing need be waited for. */
  giveUp(): void
}

export interface PatienceOptions {
  /** Counted from here, for all stores together. 0 = each is tried once. */
  readonly seconds: number
  /** The process was told to end. */
  readonly stopped: AbortSignal
  readonly log: Pick<Log, 'warn' | 'info'>
}

const tryEveryMs = 500
const tellEveryMs = 5_000

/** Parts of a deployment start in any order: the start waits for stores that are away, and says every few seconds for which. */
export function createPatience({ seconds, stopped, log }: PatienceOptions): Patience {
  const endMs = performance.now() + seconds * 1_000
  const failed = new AbortController()
  const over = AbortSignal.any([stopped, failed.signal])
  return {
    giveUp: () => failed.abort(),
    async untilThere(store, open) {
      let toldMs = Number.NEGATIVE_INFINITY
      for (;;) {
        try {
          const opened = await open()
          if (toldMs > 0) log.info({ store }, `${store} is there`)
          return opened
        } catch (error) {
          const nowMs = performance.now()
          if (!(error instanceof StoreAway) || over.aborted || nowMs >= endMs) throw error
          if (nowMs - toldMs >= tellEveryMs) {
            toldMs = nowMs
            const leftSeconds = Math.ceil((endMs - nowMs) / 1_000)
            log.warn(
              { code: error.code, store, leftSeconds, reason: error.message },
              `waiting for ${store}, for ${leftSeconds} s at most (START_PATIENCE_SECONDS)`,
            )
          }
          await pause(Math.min(tryEveryMs, endMs - nowMs), over)
          if (over.aborted) throw error
        }
      }
    },
  }
}

/** Ends early when the signal fires. */
function pause(ms: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      ended.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    ended.addEventListener('abort', end)
    if (ended.aborted) end()
  })
}
