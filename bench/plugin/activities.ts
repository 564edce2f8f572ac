import { setTimeout as pause } from 'node:timers/promises'

/** When something was under way, ms since epoch. */
export interface Busy {
  readonly fromMs: number
  readonly toMs: number
}

export type Activities = ReturnType<typeof createActivities>

/** Activities that do nothing, so that what is around them is what takes time, and one that says when it was under way. */
export function createActivities(noteBusy: (runId: string, busy: Busy) => void, runIdOf: () => string) {
  const nothing = async (): Promise<void> => {}
  return {
    'bench.priced': nothing,
    'bench.free': nothing,
    'bench.unnamed': nothing,
    async 'bench.busy'(ms: number): Promise<void> {
      const fromMs = performance.timeOrigin + performance.now()
      await pause(ms)
      noteBusy(runIdOf(), { fromMs, toMs: performance.timeOrigin + performance.now() })
    },
  }
}
