'use client'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { toMicro } from '../credits/money.ts'
import { useAccount, useCredits } from './provider.tsx'

/** So long must lie between two announcements. */
const gapMs = 10_000
const awayMs = 30_000

/**
 * Tells screen readers what they are to hear without asking: another level, a new period, and that the figures are up to date again after a long while. The balance itself is
 * not announced: it changes all the time.
 */
export function Announcer(): ReactNode {
  const { balance, level, status } = useAccount()
  const { formats, t } = useCredits()
  const [text, setText] = useState('')
  const before = useRef({ level, period: balance?.period, awaySinceMs: null as number | null })
  const saidAtMs = useRef(-Infinity)
  const waiting = useRef<{ text: string; timer: ReturnType<typeof setTimeout> }>(undefined)

  useEffect(() => {
    const say = (next: string): void => {
      if (waiting.current !== undefined) clearTimeout(waiting.current.timer)
      const speak = (): void => {
        saidAtMs.current = Date.now()
        waiting.current = undefined
        setText(next)
      }
      const inMs = Math.max(0, saidAtMs.current + gapMs - Date.now())
      waiting.current = { text: next, timer: setTimeout(speak, inMs) }
    }
    const { level: was, period, awaySinceMs } = before.current
    const isAway = status === 'stale' || status === 'offline'
    if (balance !== null && period !== undefined && period !== balance.period)
      say(t('refreshed', { count: formats.remaining(toMicro(balance.remaining)) }))
    else if (was !== level && was !== 'unknown' && level !== 'ok' && level !== 'unknown')
      say(t(`level.spoken.${level}`))
    else if (status === 'live' && awaySinceMs !== null && Date.now() - awaySinceMs > awayMs) say(t('status.back'))
    before.current = {
      level,
      period: balance?.period,
      awaySinceMs: isAway ? (awaySinceMs ?? Date.now()) : null,
    }
  }, [balance, level, status, formats, t])
  useEffect(() => () => clearTimeout(waiting.current?.timer), [])

  return (
    <p className="cr-hidden" role="status">
      {text}
    </p>
  )
}
