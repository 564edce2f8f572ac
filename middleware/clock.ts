/** Time as the process sees it. Leases and periods go by Redis and Temporal; this one only names births, measures durations and waits. */
export interface Clock {
  /** ms since epoch. */
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** Calls `tick` every `ms` until the returned function is called. Never keeps the process alive. */
  readonly every: (ms: number, tick: () => void) => () => void
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  every: (ms, tick) => {
    const timer = setInterval(tick, ms)
    timer.unref()
    return () => clearInterval(timer)
  },
}
