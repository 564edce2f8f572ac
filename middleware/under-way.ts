/** Calls that are on their way, for whoever has to wait for them before what they go over is closed. */
export interface UnderWay {
  readonly add: (call: Promise<unknown>) => void
  /** Resolves when none is on its way any more, however they ended. */
  readonly idle: () => Promise<void>
}

export function createUnderWay(): UnderWay {
  const calls = new Set<Promise<unknown>>()
  return {
    add(call) {
      calls.add(call)
      const over = (): void => void calls.delete(call)
      call.then(over, over)
    },
    async idle() {
      while (calls.size > 0) await Promise.allSettled(calls)
    },
  }
}
