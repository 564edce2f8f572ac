/**
 * Runs `work` soon after each call, never twice at a time and never more often than `gapMs`; calls in between become one run after
 * the last of them. The answer resolves with the run that began after the call. `stop` forgets what waits.
 */
export function atMostEvery(gapMs: number, work: () => Promise<void>): { (): Promise<void>; stop(): void } {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let stopped = false

  const run = (): Promise<void> => {
    running = (stopped ? Promise.resolve() : work())
      .then(() => (stopped ? undefined : new Promise<void>((resolve) => setTimeout(resolve, gapMs).unref())))
      .finally(() => (running = undefined))
    return running
  }
  const ask = (): Promise<void> => {
    if (running === undefined) return run()
    next ??= running.catch(() => {}).then(() => ((next = undefined), run()))
    return next
  }
  return Object.assign(ask, { stop: () => void (stopped = true) })
}
