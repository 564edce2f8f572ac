import type { Refusal } from '../credits/refusal.ts'
import type { Answer, AnswerStream } from './answer.ts'
import { callHeaders, openAiUsage } from './answer-cost.ts'
import { wantsUsage } from './chat-request.ts'
import { countInput, tokenCounter } from './count-tokens.ts'
import { createLease } from './lease.ts'
import { type CallEnd, endCall, type ModelCall, usageOfAbandoned, usageOfOutput } from './model-call.ts'
import { type CallError, errorLine, refusalError } from './openai-error.ts'
import type { UpstreamAnswer } from './upstream.ts'
import { unreachable } from './upstream-error.ts'
import { nothingUsed } from './usage.ts'
import { createUsageTap, type TapState } from './usage-tap.ts'

export interface StreamPlan {
  readonly cuttable: boolean
  readonly limitTokens: number
}

type Ending = Pick<CallEnd, 'outcome'> & { readonly error: CallError }

/** The provider failed before its first word: nothing was delivered, and another model may still answer. The hold is as it was. */
export interface FailedBefore {
  readonly error: CallError
}

/**
 * The upstream's stream, passed on as it is read: a slow reader slows the upstream down, and one that leaves ends it. Every way in which it can end
 * settles the call once; every end but a good one is a line with an error, never silence.
 */
export async function streamAnswer(
  call: ModelCall,
  answer: UpstreamAnswer,
  { cuttable, limitTokens }: StreamPlan,
): Promise<Answer | FailedBefore> {
  const { deps, request, cancellation, recording, rates, startedAtMs, hold } = call
  const tap = createUsageTap({ usageAsked: wantsUsage(request) })
  const lease = createLease({
    hold,
    rates,
    atMs: startedAtMs,
    inputTokens: call.inputTokens,
    bytesPerToken: deps.learned.outputBytesPerToken(call.model.id),
    atLeast: {
      inputTokens: Math.floor(call.size.textBytes / deps.learned.mostInputBytesPerToken(call.model.id)),
      bytesPerToken: deps.learned.mostOutputBytesPerToken(call.model.id),
    },
    // What cannot be cut was reserved whole: its lease is only renewed.
    limitTokens: cuttable ? limitTokens : 0,
    ttlMs: call.limits.holdTtlMs,
    clock: deps.clock,
  })
  /** What comes before the first word: the role, mostly. */
  const opening: Buffer[] = []
  const chunks = answer.body[Symbol.asyncIterator]()
  const text = (): string => tap.text()
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
    ...callHeaders(call.receipt, call.model),
  }
  let state: TapState = { kind: 'drained' }
  let over = false

  /** Once: whoever comes first ends the call. */
  function takeEnd(): boolean {
    if (over) return false
    over = true
    lease.stop()
    return true
  }

  async function finish(): Promise<Buffer> {
    if (!takeEnd()) return nothing
    const { usage, estimated } = await usageOfOutput(call, { reported: tap.usage(), complete: true }, text)
    const { cost, noted } = endCall(call, {
      outcome: 'finished',
      usage,
      estimated,
      outputBytes: tap.textBytes(),
      showedReasoning: tap.showedReasoning(),
    })
    const last = tap.last(cost, openAiUsage(usage))
    recording.add(last)
    await noted
    recording.finish(200, headers)
    return last
  }

  /** Charged for what came; the reader is told why no more does. */
  async function stop({ outcome, error }: Ending): Promise<Buffer> {
    if (!takeEnd()) return nothing
    cancellation.cancel(error.code)
    recording.forget()
    const produced = tap.textBytes() > 0 || tap.usage() !== undefined
    const { usage, estimated } = produced
      ? await usageOfOutput(call, { reported: tap.usage(), complete: false }, text)
      : { usage: nothingUsed, estimated: false }
    const { cost, noted } = endCall(call, { outcome, usage, estimated, outputBytes: 0 })
    const left = lease.held() - cost.microCredits
    const told = error.code === 'credits_depleted' && left >= deps.catalogue.policies.depletedBelow ? tooLittle : error
    await noted
    // The receipt travels inside the error: clients read no further.
    return errorLine({ ...told, extra: { ...told.extra, tollgate: cost } })
  }

  async function abandon(): Promise<void> {
    if (!takeEnd()) return
    cancellation.cancel('the caller left')
    recording.forget()
    const { usage, estimated } = await usageOfAbandoned(call, { reported: tap.usage(), complete: false }, text)
    endCall(call, { outcome: 'abandoned', usage, estimated, outputBytes: 0 })
  }

  /** The estimate says that the hold is used up, and no more is granted: a count decides, so that nothing that is paid for is withheld. */
  async function paidFor(needBytes: number): Promise<boolean> {
    const counter = await tokenCounter()
    return lease.recount({
      inputTokens: countInput(counter, request),
      outputTokens: counter.count(tap.text()),
      pendingTokens: counter.count(tap.pendingText()),
      needBytes,
    })
  }

  async function read(): Promise<'more' | 'end'> {
    const { done, value } = await chunks.next()
    if (done === true) return tap.end() ? 'more' : 'end'
    tap.push(value)
    return 'more'
  }

  async function next(): Promise<Buffer> {
    for (;;) {
      if (over) return nothing
      const opened = opening.shift()
      if (opened !== undefined) {
        recording.add(opened)
        return opened
      }
      if (state.kind === 'ended') return finish()
      if (state.kind === 'failed')
        return stop({
          outcome: 'failed',
          error: { code: 'upstream_failed', message: `the provider failed during its answer: ${state.message}` },
        })
      if (state.kind === 'budget') {
        const granted = await lease.more(state.needBytes)
        if (granted !== 'granted' && !(await paidFor(state.needBytes))) return stop(stoppedBy(granted))
      }
      if (state.kind === 'drained' && (await read()) === 'end') {
        if (tap.finished()) return finish()
        return stop({
          outcome: 'failed',
          error: { code: 'upstream_cut', message: 'the provider ended its answer before it was complete' },
        })
      }
      const step = tap.next(lease.roomBytes())
      state = step.state
      lease.progress(tap.textBytes())
      if (step.out !== undefined) {
        recording.add(step.out)
        return step.out
      }
    }
  }

  /** Until the first word waits, or something that a waiting reader should see. */
  async function open(): Promise<FailedBefore | undefined> {
    while (state.kind === 'drained') {
      const came = await read().catch(unreachable)
      if (typeof came === 'object') return { error: came }
      if (came === 'end') {
        if (tap.finished()) return undefined
        return { error: { code: 'upstream_failed', message: 'the provider ended its answer before its first word' } }
      }
      const step = tap.next(0)
      state = step.state
      if (step.out === undefined) continue
      opening.push(step.out)
      // A comment is there to keep a waiting connection alive, the caller's too.
      if (/^:/m.test(step.out.toString('latin1'))) return undefined
    }
    if (state.kind !== 'failed') return undefined
    return { error: { code: 'upstream_failed', message: `the provider failed: ${state.message}` } }
  }

  const failed = await open()
  if (failed !== undefined) {
    lease.stop()
    void chunks.return?.().catch(() => undefined)
    return failed
  }
  // Whoever serves the body cancels it when the caller leaves; should it never have been read, this does.
  cancellation.onCancel(() => void abandon())

  const body: AnswerStream = {
    async next() {
      if (over) return undefined
      try {
        return await next()
      } catch (error) {
        if (!over) deps.log.warn({ err: error, receipt: call.receipt }, 'a stream broke')
        return stop({
          outcome: 'failed',
          error: { code: 'upstream_cut', message: 'the connection to the provider broke' },
        })
      }
    },
    leave: () => void abandon(),
  }
  return { status: 200, headers, body }
}

const nothing = Buffer.alloc(0)

/** A dear model's next token costs more than is left: nothing is depleted, a cheaper one may go on. */
const tooLittle: CallError = {
  code: 'insufficient_credits',
  message: 'what is left does not pay for more of this answer; it was stopped here',
}

function stoppedBy(refusal: Refusal): Ending {
  const outcome = refusal.kind === 'ledger_unavailable' || refusal.kind === 'backlogged' ? 'failed' : 'stopped_at_zero'
  if (refusal.kind !== 'insufficient_credits') return { outcome, error: refusalError(refusal) }
  // The stream has used up what it held; it was not too dear, it came too late.
  return {
    outcome,
    error: {
      code: refusal.kind,
      message: 'the credits are used up but for what other calls hold; the answer was stopped here',
    },
  }
}
