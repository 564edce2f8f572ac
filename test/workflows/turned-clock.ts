/** Time that passes when somebody sleeps or it is told to. */
export function turnedClock() {
  let nowMs = 0
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => void (nowMs += ms),
    every: () => () => undefined,
  }
  return { clock, advance: (ms: number) => void (nowMs += ms) }
}
