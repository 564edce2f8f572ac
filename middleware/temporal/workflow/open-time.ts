import { CancellationScope, condition, log, workflowInfo } from '@temporalio/workflow'
import { type OpenSegment, own } from './own-activities.ts'

/** Bills a run for the time that it is open, where the catalogue says so: waits included, but not while it is parked. */
export interface OpenTime {
  /** Time does not count until the answer is called. */
  pause(): () => void
  /** Bills what is left. May be repeated. */
  end(): Promise<void>
}

const minute = 60_000
/** A bill each hour, of a run that is open for long: some six events. */
const longestSegmentMs = 60 * minute

/**
 * By the workflow's own clock, which replay repeats. The first bill comes after a minute, each next one after twice the time. One that could not be made is made
 * with the next, under the same id.
 */
export function meterOpenTime(): OpenTime {
  let since = workflowInfo().runStartTime.getTime()
  let count = 0
  let sending: Promise<void> = Promise.resolve()
  let unsent: OpenSegment[] = []
  let pauses = 0
  let ended = false

  /** Notes what has been open until now. */
  function note(): void {
    const now = Date.now()
    if (pauses === 0 && now > since) {
      unsent.push({ segment: count, ms: now - since, atMs: now })
      count += 1
    }
    since = now
  }

  /** One after the other: who ends the meter waits for a bill that is on its way. */
  function send(): Promise<void> {
    sending = sending.then(sendNow)
    return sending
  }

  async function sendNow(): Promise<void> {
    const segments = unsent
    unsent = []
    if (segments.length === 0) return
    try {
      await own['tollgate.billOpenTime'](segments)
    } catch (error) {
      unsent = [...segments, ...unsent]
      log.warn('open time could not be billed yet', { error: String(error) })
    }
  }

  void CancellationScope.nonCancellable(async () => {
    for (let patience = minute; ; patience = Math.min(longestSegmentMs, 2 * patience)) {
      if (await condition(() => ended, patience)) return
      if (pauses > 0) continue
      note()
      await send()
    }
  })

  return {
    pause() {
      note()
      pauses += 1
      return () => {
        note()
        pauses -= 1
      }
    },
    async end() {
      if (ended) return
      ended = true
      note()
      await CancellationScope.nonCancellable(send)
    },
  }
}
