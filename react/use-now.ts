import { useEffect, useState } from 'react'

const tickMs = 1_000

/** The time, ms, anew each second; where it does not tick, that of the first look. */
export function useNow(ticks: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!ticks) return undefined
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [ticks])
  return now
}
