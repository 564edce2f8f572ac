import { chargeId } from '../credits/charge-id.ts'
import { less, zero } from '../credits/money.ts'
import type { Hold } from '../middleware/gate.ts'
import type { AccountReader } from './account-reader.ts'
import { type CallPlan, fitToHold, planCall, tokensThatFit, upstreamRequest } from './admission.ts'
import { type Answer, nobodyReads } from './answer.ts'
import { callHeaders } from './answer-cost.ts'
import { type Attribution, attribute, levelsOf, usageRowOf, withOrganization } from './attribution.ts'
import type { Caller } from './caller.ts'
import { Cancellation } from './cancellation.ts'
import { ChatRequest, measureInput } from './chat-request.ts'
import type { CallerKey, GatewayDeps, GatewayLimits } from './deps.ts'
import { type Employees } from './employees.ts'
import { claimKey } from './idempotency.ts'
import type { ModelChooser } from './model-choice.ts'
import { endCall, type ModelCall } from './model-call.ts'
import { type CallError, errorAnswer, outputThatFits, refusalError } from './openai-error.ts'
import { parseBody } from './parse-body.ts'
import { parseRequest } from './parse-request.ts'
import { streamAnswer } from './stream-answer.ts'
import { readWhole, type UpstreamAnswer } from './upstream.ts'
import { unreachable, upstreamError } from './upstream-error.ts'
import { nothingUsed } from './usage.ts'
import { abandonWhole, wholeAnswer } from './whole-answer.ts'

export interface ChatDeps extends GatewayDeps {
  /** The same as `readAccount`, at most a second old. */
  readonly recentAccount: AccountReader
  readonly employees: Employees
  readonly chooseModels: ModelChooser
  readonly limits: GatewayLimits
}

/** POST /v1/chat/completions: reserve, pass the call on, settle. Never throws for what a caller may send. */
export async function answerChat(deps: ChatDeps, key: CallerKey, caller: Caller): Promise<Answer> {
  const { limits } = deps
  const startedAtMs = deps.clock.now()
  const arrivedAt = performance.now()
  const refuse = (error: CallError): Answer => {
    deps.metrics?.refused(error.code)
    return errorAnswer(error)
  }

  const body = parseBody(await caller.body(limits.bodyBytes), limits.bodyBytes)
  if (!body.ok) return refuse(body.error)
  const parsed = parseRequest(ChatRequest, body.value)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const attributed = attribute(key, (name) => caller.header(name))
  if (!attributed.ok) return refuse(attributed.error)

  const employee = await deps.employees.meet(key, attributed.who)
  if (!employee.ok) return refuse(employee.error)
  const who = withOrganization(attributed.who, employee.card)
  const choice = deps.chooseModels(request.model, employee.card)
  if (!choice.ok) return refuse(choice.error)

  const size = measureInput(request, body.bytes.length)
  const receipt = chargeId(startedAtMs, deps.newId())
  const claimed = await claimKey(deps, {
    accountId: who.accountId,
    key: caller.header('idempotency-key'),
    request: ['chat', who.employee, who.organization, who.messageId, who.purpose, body.bytes],
    receipt,
    leaseMs: limits.holdTtlMs,
  })
  if (!claimed.ok) {
    deps.metrics?.refused(claimed.outcome)
    return claimed.answer
  }
  const { recording } = claimed

  const cancellation = new Cancellation()
  caller.onLeave(() => cancellation.cancel('the caller left'))
  let hold: Hold | undefined
  let call: ModelCall | undefined
  // A provider may think for longer than a lease before it sends its first byte.
  const stopRenewing = deps.clock.every(
    Math.ceil(limits.holdTtlMs / 3),
    () => void hold?.extend({ accrued: zero, more: zero }),
  )
  try {
    for (const [index, model] of choice.models.entries()) {
      const isLast = index === choice.models.length - 1
      const plan = await planCall(deps, deps.recentAccount, who.accountId, { request, size, model, atMs: startedAtMs })
      if (plan === 'account_unknown') {
        release()
        return refuse(refusalError({ kind: 'account_unknown' }))
      }
      const opened: Opened =
        hold === undefined ? await open(deps, who, receipt, plan, request.stream !== true) : await topUp(hold, plan)
      if (!opened.ok) {
        release()
        const { refusal } = opened
        const fits =
          refusal.kind === 'insufficient_credits'
            ? outputThatFits(tokensThatFit(plan, request, refusal.available, startedAtMs))
            : undefined
        return refuse(refusalError(refusal, fits))
      }
      hold = opened.hold
      const { rates, inputTokens } = plan
      const { clampTokens } = plan.cuttable ? plan : fitToHold(plan, request, hold.granted, startedAtMs)
      call = {
        deps,
        limits,
        who,
        request,
        size,
        receipt,
        startedAtMs,
        model,
        rates,
        inputTokens,
        hold,
        recording,
        cancellation,
      }
      const headers = callHeaders(receipt, model)
      if (caller.hasLeft()) {
        // The provider has not heard of it.
        release()
        return nobodyReads()
      }

      let answer: UpstreamAnswer
      try {
        const provider = deps.providerOf(model.provider)
        const sent = upstreamRequest(request, clampTokens, provider.outputLimitField)
        const calledAt = performance.now()
        // A fallback's time is the provider's that failed.
        if (index === 0) deps.metrics?.admitted(calledAt - arrivedAt)
        answer = await provider.chat({
          model: model.model,
          body: sent,
          receipt,
          cancellation,
          timeoutMs: limits.upstreamTimeoutMs,
        })
        deps.metrics?.answered(model.provider, performance.now() - calledAt)
      } catch (error) {
        if (caller.hasLeft()) return await left(call)
        deps.log.warn({ err: error, receipt, model: model.id }, 'a provider did not answer')
        if (!isLast) continue
        release()
        return errorAnswer(unreachable(error), headers)
      }
      if (answer.status >= 400) {
        if (!isLast && (answer.status >= 500 || answer.status === 429)) {
          // Read to its end, so that its connection can be used again.
          void readWhole(answer.body, 64 * 1024).catch(() => undefined)
          continue
        }
        release()
        return await upstreamError(answer, headers)
      }
      if (answer.contentType.startsWith('text/event-stream')) {
        const streamed = await streamAnswer(call, answer, plan)
        if ('status' in streamed) return streamed
        if (caller.hasLeft()) return await left(call)
        deps.log.warn({ ...streamed.error, receipt, model: model.id }, 'a provider failed before its first word')
        if (!isLast) continue
        release()
        return errorAnswer(streamed.error, headers)
      }
      try {
        return await wholeAnswer(call, answer)
      } catch (error) {
        if (caller.hasLeft()) return await left(call)
        deps.log.warn({ err: error, receipt, model: model.id }, 'an answer broke off')
        if (!isLast) continue
        release()
        return errorAnswer(unreachable(error), headers)
      }
    }
    throw new Error('no model was tried')
  } catch (error) {
    // Whatever went wrong, credits do not stay held for a call that is over.
    release()
    throw error
  } finally {
    // From here on a stream renews its lease by itself.
    stopRenewing()
  }

  /** Nothing was produced: the hold is given back, with a receipt over zero. A call that was settled stays as it is. */
  function release(): void {
    recording.forget()
    if (call !== undefined) endCall(call, { outcome: 'failed', usage: nothingUsed, estimated: false, outputBytes: 0 })
  }
}

async function left(call: ModelCall): Promise<Answer> {
  await abandonWhole(call)
  return nobodyReads()
}

type Opened = Awaited<ReturnType<GatewayDeps['gate']['open']>>

function open(
  deps: ChatDeps,
  who: Attribution,
  receipt: string,
  { amount, minimum, model }: CallPlan,
  onTab: boolean,
): Promise<Opened> {
  const { accountId } = who
  const row = usageRowOf(who, model)
  const ttlMs = deps.limits.holdTtlMs
  return deps.gate.open({ accountId, id: receipt, amount, minimum, ttlMs, row, levels: levelsOf(who) }, { onTab })
}

/** The substitute for a model that failed may be dearer: one hold, one charge, one receipt all the same. */
async function topUp(hold: Hold, { minimum, amount }: CallPlan): Promise<Opened> {
  if (hold.granted >= amount) return { ok: true, hold }
  const more = await hold.extend({ accrued: zero, more: less(amount, hold.granted) })
  if (more.held >= minimum) return { ok: true, hold }
  return {
    ok: false,
    refusal: more.ok ? { kind: 'insufficient_credits', needed: minimum, available: more.held } : more.refusal,
  }
}
