/** What is on its way, for whoever has to wait for it before what it goes over is closed. */
export interface UnderWay {
  readonly add: (call: Promise<unknown>) => void
  /** The same without a promise: `end` follows each `begin`, once. */
  readonly begin: () => void
  readonly end: () => void
  readonly count: () => number
  /** Resolves when nothing is on its way any more, however it ended. */
  readonly idle: () => Promise<void>
}

/** Counts, and knows nothing of what it counts. */
export function createUnderWay(): UnderWay {
  let count = 0
  let idle: PromiseWithResolvers<void> | undefined
  const begin = (): void => void (count += 1)
  const end = (): void => {
    count -= 1
    if (count > 0) return
    idle?.resolve()
    idle = undefined
  }
  return {
    add(call) {
      begin()
      call.then(end, end)
    },
    begin,
    end,
    count: () => count,
    async idle() {
      while (count > 0) await (idle ??= Promise.withResolvers()).promise
    },
  }
}
