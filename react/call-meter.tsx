'use client'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import type { Formats } from '../credits/formats.ts'
import { asFailure } from './api/failure.ts'
import type { Session } from './api/shapes.ts'
import { CallInspector } from './call-inspector.tsx'
import type { Translate } from './messages.ts'
import { useAccount, useCredits } from './provider.tsx'
import { Spent } from './spent.tsx'
import { useNow } from './use-now.ts'
import { useSession } from './use-session.ts'
import { type CreditWays, WaysToCredits } from './ways-to-credits.tsx'

export interface CallMeterProps {
  readonly sessionId: string
  /** Of the employee, as its user knows it. */
  readonly name?: string | undefined
  /** Where more credits are to be had when they run low. */
  readonly links?: CreditWays
  /** It is played in another tab of this browser, or on another device. */
  readonly isElsewhere?: boolean
  /** It takes the focus when it appears, as after a press of what began it. */
  readonly takesFocus?: boolean
  readonly className?: string | undefined
  /** More that can be done with it, beside its own buttons. */
  readonly children?: ReactNode
}

/** A call or a meeting, live: how long it lasts, what it has cost, and a way to end it; then why it ended. */
export function CallMeter({ sessionId, name, links = {}, children, ...shown }: CallMeterProps): ReactNode {
  const { t, formats } = useCredits()
  const { status, clockOffsetMs } = useAccount()
  const { data, error, refetch, end } = useSession(sessionId)
  const [isEnding, setEnding] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [isInspected, setInspected] = useState(false)
  const rootClass = ['cr-root cr-call', shown.className].filter(Boolean).join(' ')
  const onEnd = async (): Promise<void> => {
    setEnding(true)
    setFailure(null)
    try {
      await end()
    } catch (problem) {
      setFailure(asFailure(problem).message)
    }
    setEnding(false)
  }
  if (data === null)
    return (
      <div className={rootClass} aria-busy={error === null}>
        {error === null ? (
          <span className="cr-skeleton cr-call-skeleton" role="img" aria-label={t('call.loading')} />
        ) : (
          <p role="alert">
            {t('call.failed', { reason: error.message })}{' '}
            <button type="button" className="cr-link" onClick={refetch}>
              {t('retry')}
            </button>
          </p>
        )}
      </div>
    )
  return (
    <CallMeterView
      {...shown}
      session={data}
      name={name ?? data.employeeId}
      t={t}
      formats={formats}
      clockOffsetMs={clockOffsetMs}
      isStale={status === 'stale' || status === 'offline'}
      isEnding={isEnding}
      failure={failure}
      onEnd={() => void onEnd()}
      onInspect={() => setInspected(true)}
      warningLinks={<WaysToCredits links={links} />}
    >
      {children}
      {isInspected && <CallInspector session={data} onClose={() => setInspected(false)} />}
    </CallMeterView>
  )
}

export interface CallMeterViewProps extends Omit<CallMeterProps, 'sessionId' | 'name' | 'links'> {
  readonly session: Session
  readonly name: string
  readonly t: Translate
  readonly formats: Formats
  /** How far the server's clock is ahead of this one, ms. */
  readonly clockOffsetMs?: number
  /** What is shown was true a while ago. */
  readonly isStale?: boolean
  readonly isEnding?: boolean
  /** Why it could not be ended. */
  readonly failure?: string | null
  readonly onEnd?: () => void
  readonly onInspect?: () => void
  readonly warningLinks?: ReactNode
}

/** The meter of plain data: it asks nobody. Only its time goes on by itself; what that costs the server says. */
export function CallMeterView({
  session,
  name,
  t,
  formats,
  clockOffsetMs = 0,
  isElsewhere = false,
  isStale = false,
  isEnding = false,
  takesFocus = false,
  failure = null,
  onEnd,
  onInspect,
  warningLinks,
  className,
  children,
}: CallMeterViewProps): ReactNode {
  const { kind, state, platform, startedAt, endReason, seconds, credits, rate, warning } = session
  const isOver = state === 'ended'
  const now = useNow(!isOver) + clockOffsetMs
  // One that is not let in yet has lasted nothing
  const runningMs = state === 'starting' ? 0 : Math.max(0, now - Date.parse(startedAt))
  const lastedMs = isOver ? seconds * 1_000 : runningMs
  const root = useRef<HTMLDivElement>(null)
  const titleId = useId()
  const left = warning === null || isOver ? null : wordsOfLeft(leftOf(warning, session, lastedMs), t, formats)
  const news = isOver && endReason !== null ? t(`call.ended.${endReason}`) : left
  const spoken = useSaidOnce(news, `${isOver} ${left === null}`)
  useKeptFocus(root, isOver, takesFocus)
  const title =
    kind === 'meeting' && platform !== null
      ? t('call.meetingOn', { name, platform: t(`call.platform.${platform}`) })
      : t(`call.${kind}`, { name })
  return (
    <div
      ref={root}
      className={['cr-root cr-call', className].filter(Boolean).join(' ')}
      role="group"
      aria-labelledby={titleId}
      tabIndex={-1}
      data-state={state}
      data-kind={kind}
      data-reason={endReason ?? undefined}
      data-warned={left !== null}
    >
      <p className="cr-call-title">
        <strong id={titleId}>{title}</strong>{' '}
        {isElsewhere && !isOver && <span className="cr-soft">{t('call.elsewhere')}</span>}
        {isStale && !isOver && <span className="cr-soft">⟳ {t('status.stale')}</span>}
      </p>
      {isOver && endReason !== null && <p>{t(`call.ended.${endReason}`)}</p>}
      {state === 'starting' && <p>{t(kind === 'meeting' ? 'call.atTheDoor' : 'call.starting')}</p>}
      <p className="cr-call-figures">
        <span role="timer">{t('call.lasted', { duration: formats.duration(lastedMs) })}</span>
        <span className="cr-call-credits">
          <Spent
            amount={credits}
            say={(count) => t(isOver ? 'call.cost' : 'call.soFar', { count })}
            t={t}
            formats={formats}
          />
        </span>
        <span className="cr-soft">{t('call.rate', { count: formats.exact(rate) })}</span>
      </p>
      {left !== null && (
        <div className="cr-call-warning">
          <p>{left}</p>
          {warningLinks}
        </div>
      )}
      {failure !== null && <p role="alert">{t('call.notEnded', { reason: failure })}</p>}
      <div className="cr-call-actions">
        {isOver ? (
          <button type="button" className="cr-button" onClick={onInspect}>
            {t('cost.inspect')}
          </button>
        ) : (
          <button type="button" className="cr-button cr-call-end" onClick={onEnd}>
            {t(isEnding ? 'call.ending' : 'call.end')}
          </button>
        )}
        {children}
      </div>
      <p className="cr-hidden" role="status">
        {spoken}
      </p>
    </div>
  )
}

/** Nobody's remaining time is known to the second. */
const aboutMs = 10_000

/** What is left by now of what was left when the server told it. */
function leftOf({ secondsLeft }: NonNullable<Session['warning']>, { seconds }: Session, lastedMs: number): number {
  return Math.max(0, (secondsLeft + seconds) * 1_000 - lastedMs)
}

function wordsOfLeft(leftMs: number, t: Translate, formats: Formats): string {
  if (leftMs < aboutMs) return t('call.leftLittle', { duration: formats.duration(aboutMs) })
  return t('call.left', { duration: formats.duration(Math.floor(leftMs / aboutMs) * aboutMs) })
}

/** The text as it was when `change` was last another one: a live region that counts down would never be silent. */
function useSaidOnce(text: string | null, change: string): string | null {
  const [said, setSaid] = useState<string | null>(null)
  const latest = useRef(text)
  latest.current = text
  useEffect(() => setSaid(latest.current), [change])
  return said
}

/** Keeps the focus here when the button that had it goes with the end. */
function useKeptFocus(root: { readonly current: HTMLElement | null }, isOver: boolean, takesFocus: boolean): void {
  const wasOver = useRef(isOver)
  const hadFocus = useRef(false)
  useEffect(() => {
    if (takesFocus) root.current?.focus()
  }, [root, takesFocus])
  useEffect(() => {
    const shown = root.current
    if (shown === null) return undefined
    const note = (): void => void (hadFocus.current = shown.contains(document.activeElement))
    document.addEventListener('focusin', note)
    return () => document.removeEventListener('focusin', note)
  }, [root])
  useEffect(() => {
    if (isOver && !wasOver.current && hadFocus.current && document.activeElement === document.body)
      root.current?.focus()
    wasOver.current = isOver
  }, [root, isOver])
}
