import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from '@temporalio/client'
import { accountTaskQueue } from '../../../credits/account/task-queue.ts'
import { type SessionRun, sessionWorkflowId, sessionWorkflowType } from '../../../credits/session/messages.ts'
import type { EndReason, SessionKind } from '../../../credits/session/session.ts'
import type { Caller } from '../callers.ts'
import type { Seeded } from '../seeded.ts'
import type { Stand } from '../stand.ts'
import type { MediaServer, Window } from './media-server.ts'

/** What one call is, by its number and the seed alone. */
export interface PlannedCall {
  readonly number: number
  readonly caller: Caller
  readonly kind: SessionKind
  /** `asks`: its end is asked for. `goes`: nobody is there any more, and nobody says so but the media server of a meeting. `pays`: until its credits are used up. */
  readonly end: 'asks' | 'goes' | 'pays'
  readonly beginsAfterMs: number
  readonly lastsMs: number
  /** Its activities and its runs are bounded to seconds, so that it continues as new on its way. */
  readonly sliced: boolean
}

/** The truth about one call, by whoever had it. */
export interface LivedCall extends PlannedCall {
  readonly sessionId: string
  /** Between the first attempt to begin it and the answer. */
  readonly begun: Window
  /** The same of its end; of one that fell silent, of its last sign of life. */
  readonly over: Window
  /** Why it was over already when its end was asked for; null: it was not. */
  readonly endedBefore: EndReason | null
}

interface Shown {
  readonly id: string
  readonly startedAt: string
  readonly endedAt: string | null
  readonly endReason: EndReason | null
}

/** How often a caller gives a sign of life. */
export const beatMs = 2_000
/** Of those that continue as new. */
const sliceMs = 3_000
const slicesPerRun = 2
const askAgainMs = 300
/** A gateway that hangs is given up; a begin takes its time. */
const patienceMs = 4_000
const beginPatienceMs = 20_000
const employee = 'ada'

export function planCalls(
  seed: Seeded,
  { calls, spreadMs, longestMs }: { readonly calls: number; readonly spreadMs: number; readonly longestMs: number },
  { rich, poor }: { readonly rich: readonly Caller[]; readonly poor: readonly Caller[] },
): readonly PlannedCall[] {
  const paying = poor.map((caller, number) => ({
    number,
    caller,
    kind: 'voice' as const,
    end: 'pays' as const,
    beginsAfterMs: seed.of(`call ${number}`).whole(0, spreadMs),
    lastsMs: longestMs,
    sliced: false,
  }))
  const others = Array.from({ length: calls - poor.length }, (_, index) => {
    const number = poor.length + index
    const own = seed.of(`call ${number}`)
    const kind = own.chance(0.35) ? ('meeting' as const) : ('voice' as const)
    return {
      number,
      caller: own.pick(rich),
      kind,
      end: own.chance(0.65) ? ('asks' as const) : ('goes' as const),
      beginsAfterMs: own.whole(0, spreadMs),
      lastsMs: own.whole(Math.min(10_000, longestMs / 2), longestMs),
      sliced: kind === 'voice' && own.chance(0.35),
    }
  })
  return [...paying, ...others]
}

/** Callers who know when their calls began and ended, whatever else becomes of them. They ask one gateway after the other until they are heard. */
export function createSessionCallers(stand: Stand, media: MediaServer, temporal: Client, name: string) {
  return { live }

  async function live(plan: PlannedCall): Promise<LivedCall> {
    const { caller, number, end } = plan
    await pause(plan.beginsAfterMs)
    const firstMs = Date.now()
    const first = plan.sliced ? await beginSliced(plan) : await begin(plan)
    const path = `/${first.id}`
    const begun = { fromMs: firstMs, toMs: Date.now() }
    const startedAtMs = Date.parse(first.startedAt)
    let heard: Window = { fromMs: startedAtMs, toMs: startedAtMs }
    let shown = first
    const endsAtMs = end === 'pays' ? Number.POSITIVE_INFINITY : begun.toMs + plan.lastsMs
    for (let beat = 0; shown.endedAt === null; beat += 1) {
      const nextMs = begun.toMs + (beat + 1) * beatMs
      await pause(Math.max(0, Math.min(nextMs, endsAtMs) - Date.now()))
      if (Date.now() >= endsAtMs) break
      if (plan.kind === 'meeting') continue
      const fromMs = Date.now()
      const answer = await askOnce(caller, number + beat, 'POST', `${path}/heartbeat`)
      if (answer === undefined) heard = { ...heard, toMs: Date.now() }
      else if (answer.endedAt === null) heard = { fromMs, toMs: Date.now() }
      shown = answer ?? shown
    }
    const lived = { ...plan, sessionId: first.id, begun }
    if (shown.endedAt !== null) return { ...lived, over: heard, endedBefore: shown.endReason }
    if (end === 'goes')
      return {
        ...lived,
        over: plan.kind === 'meeting' ? await media.leave(first.id, stand.urls) : heard,
        endedBefore: null,
      }
    const askedMs = Date.now()
    const told = await askUntil(caller, number, 'POST', `${path}/end`, ({ endedAt }) => endedAt !== null)
    const over = { fromMs: askedMs, toMs: Date.now() }
    return { ...lived, over, endedBefore: told.endReason === 'requested' ? null : told.endReason }
  }

  async function begin({ caller, number, kind }: PlannedCall): Promise<Shown> {
    await askUntilOk(caller, number, '/credits/v1/employees', { id: employee, name: 'Ada' }, patienceMs)
    const body = {
      kind,
      employee,
      ...(kind === 'voice'
        ? { adapter: 'webhook' }
        : { adapter: 'meeting_bot', meetingUrl: 'https://meet.google.com/abc-defg-hij' }),
    }
    return (await askUntilOk(caller, number, '/credits/v1/sessions', body, beginPatienceMs)) as Shown
  }

  /** As the API begins one, but for the bounds. */
  async function beginSliced({ caller, number, kind }: PlannedCall): Promise<Shown> {
    const { accountId } = caller
    const sessionId = `${name}-${number}`
    const adapter = 'webhook'
    const about = { employee, organization: '', message: '', meetingUrl: null }
    const run: SessionRun = { start: { accountId, sessionId, kind, adapter, ...about }, sliceMs, slicesPerRun }
    for (let attempt = number; ; attempt += 1) {
      // Again after a refusal, as while the media server is away
      await temporal.workflow.start(sessionWorkflowType, {
        workflowId: sessionWorkflowId(sessionId),
        taskQueue: accountTaskQueue,
        args: [run],
        workflowIdConflictPolicy: 'USE_EXISTING',
      })
      const shown = await askOnce(caller, attempt, 'GET', `/${sessionId}`)
      if (shown !== undefined) return shown
      await pause(askAgainMs)
    }
  }

  async function askUntil(
    caller: Caller,
    turn: number,
    method: 'GET' | 'POST',
    path: string,
    isEnough: (shown: Shown) => boolean,
  ): Promise<Shown> {
    for (let attempt = turn; ; attempt += 1) {
      const shown = await askOnce(caller, attempt, method, path)
      if (shown !== undefined && isEnough(shown)) return shown
      await pause(askAgainMs)
    }
  }

  /** undefined: nobody knows whether it was heard. */
  async function askOnce(
    { apiKey }: Caller,
    turn: number,
    method: 'GET' | 'POST',
    path: string,
  ): Promise<Shown | undefined> {
    try {
      const answer = await fetch(`${stand.urls[turn % stand.urls.length]}/credits/v1/sessions${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}` },
        signal: AbortSignal.timeout(patienceMs),
      })
      const body = (await answer.json()) as Shown
      return answer.ok ? body : undefined
    } catch {
      return undefined
    }
  }

  async function askUntilOk(
    { apiKey }: Caller,
    turn: number,
    path: string,
    body: object,
    withinMs: number,
  ): Promise<unknown> {
    const headers = { authorization: `Bearer ${apiKey}`, 'idempotency-key': `${name}-${turn}` }
    for (let attempt = turn; ; attempt += 1) {
      const answer = await fetch(`${stand.urls[attempt % stand.urls.length]}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(withinMs),
      }).catch(() => undefined)
      const text = await answer?.text().catch(() => undefined)
      if (answer?.ok && text !== undefined) return JSON.parse(text)
      if (answer !== undefined && answer.status < 500) throw new Error(`POST ${path}: ${answer.status} ${text}`)
      await pause(askAgainMs)
    }
  }
}
