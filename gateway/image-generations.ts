import type { PricedActivity } from '../credits/catalogue.ts'
import { chargeId } from '../credits/charge-id.ts'
import { imagePrice } from '../credits/image-price.ts'
import { type Micro, toMicro, zero } from '../credits/money.ts'
import type { Refusal } from '../credits/refusal.ts'
import { noQuantities, type UsageRow } from '../credits/usage-row.ts'
import type { Hold } from '../middleware/gate.ts'
import { type Answer, nobodyReads } from './answer.ts'
import { answerCost, callHeaders } from './answer-cost.ts'
import { type Attribution, attribute, levelsOf, withOrganization } from './attribution.ts'
import type { Caller } from './caller.ts'
import { Cancellation } from './cancellation.ts'
import type { CallerKey, GatewayDeps, GatewayLimits } from './deps.ts'
import type { Employees } from './employees.ts'
import { claimKey } from './idempotency.ts'
import { chooseImageModels, type ImageModel } from './image-choice.ts'
import { ImageRequest } from './image-request.ts'
import { type CallError, errorAnswer, imagesThatFit, refusalError } from './openai-error.ts'
import { parseBody } from './parse-body.ts'
import { parseRequest } from './parse-request.ts'
import { type Outcome, receiptDetail } from './receipt-detail.ts'
import { settleCall } from './settle-call.ts'
import { readWhole, type UpstreamAnswer } from './upstream.ts'
import { unreachable, upstreamError } from './upstream-error.ts'
import { withMember } from './usage-tap.ts'

export interface ImageDeps extends GatewayDeps {
  readonly employees: Employees
  readonly limits: GatewayLimits
}

/** Ten large images as base64 fit. */
const mostAnswerBytes = 128 * 1024 * 1024

/**
 * POST /v1/images/generations: reserve every image that is asked for, have them made, charge those that were delivered. An answer is always read to
 * its end: a caller who leaves pays for what was made. Never throws for what a caller may send.
 */
export async function answerImages(deps: ImageDeps, key: CallerKey, caller: Caller): Promise<Answer> {
  const { limits } = deps
  const startedAtMs = deps.clock.now()
  const arrivedAt = performance.now()
  const refuse = (error: CallError): Answer => {
    deps.metrics?.refused(error.code)
    return errorAnswer(error)
  }

  const body = parseBody(await caller.body(limits.bodyBytes), limits.bodyBytes)
  if (!body.ok) return refuse(body.error)
  const parsed = parseRequest(ImageRequest, body.value)
  if (!parsed.ok) return refuse(parsed.error)
  const { request } = parsed
  const attributed = attribute(key, (name) => caller.header(name))
  if (!attributed.ok) return refuse(attributed.error)
  const employee = await deps.employees.meet(key, attributed.who)
  if (!employee.ok) return refuse(employee.error)
  const who = withOrganization(attributed.who, employee.card)
  const choice = chooseImageModels(deps.catalogue, deps.usable, request.model ?? undefined)
  if (!choice.ok) return refuse(choice.error)

  const activity = imagePrice(deps.catalogue, request.quality ?? undefined)
  const asked = request.n ?? 1
  const whole = toMicro(asked * activity.price)
  const receipt = chargeId(startedAtMs, deps.newId())
  const claimed = await claimKey(deps, {
    accountId: who.accountId,
    key: caller.header('idempotency-key'),
    request: ['images', who.employee, who.organization, who.messageId, who.purpose, body.bytes],
    receipt,
    leaseMs: limits.holdTtlMs,
  })
  if (!claimed.ok) {
    deps.metrics?.refused(claimed.outcome)
    return claimed.answer
  }
  const { recording } = claimed

  let hold: Hold | undefined
  // Images take longer than a lease.
  const stopRenewing = deps.clock.every(
    Math.ceil(limits.holdTtlMs / 3),
    () => void hold?.extend({ accrued: zero, more: zero }),
  )
  let [model] = choice.models
  try {
    const opened = await deps.gate.open({
      accountId: who.accountId,
      id: receipt,
      amount: whole,
      // All or nothing: fewer images than were asked for would be a surprise, a refusal that says how many fit is none.
      minimum: whole,
      ttlMs: limits.holdTtlMs,
      row: rowOf(who, activity, model),
      levels: levelsOf(who),
    })
    if (!opened.ok) {
      recording.forget()
      return refuse(refusalError(opened.refusal, fitsOf(opened.refusal, activity.price)))
    }
    hold = opened.hold
    let answer: UpstreamAnswer | undefined
    for (const [index, candidate] of choice.models.entries()) {
      const isLast = index === choice.models.length - 1
      model = candidate
      if (caller.hasLeft()) {
        giveBack()
        return nobodyReads()
      }
      try {
        const calledAt = performance.now()
        // A fallback's time is the provider's that failed.
        if (index === 0) deps.metrics?.admitted(calledAt - arrivedAt)
        answer = await deps.providerOf(model.provider).images({
          model: model.model,
          body: request,
          receipt,
          // Nothing ends it early: what is being made is billed.
          cancellation: new Cancellation(),
          timeoutMs: limits.imageTimeoutMs,
        })
        deps.metrics?.answered(model.provider, performance.now() - calledAt)
      } catch (error) {
        deps.log.warn({ err: error, receipt, model: model.id }, 'a provider did not answer')
        if (!isLast) continue
        giveBack()
        return errorAnswer(unreachable(error), headersOf(receipt, model))
      }
      if (answer.status < 400) break
      if (isLast || (answer.status < 500 && answer.status !== 429)) {
        giveBack()
        return await upstreamError(answer, headersOf(receipt, model))
      }
      // Read to its end, so that its connection can be used again.
      void readWhole(answer.body, 64 * 1024).catch(() => undefined)
    }
    if (answer === undefined) throw new Error('no model was tried')

    // They are made: a gateway that dies from here on leaves them charged. Nobody waits for it, and settling comes after it on the same connection.
    void hold.extend({ accrued: whole, more: zero })
    let bytes: Buffer | undefined
    try {
      bytes = await readWhole(answer.body, mostAnswerBytes)
    } catch (error) {
      // No other provider is asked: this one may bill them already.
      deps.log.warn({ err: error, receipt, model: model.id }, 'an answer broke off')
      giveBack()
      return errorAnswer(unreachable(error), headersOf(receipt, model))
    }
    // A provider that makes more than it was asked for is not paid for it.
    const delivered = Math.min(asked, bytes === undefined ? 0 : imagesIn(bytes))
    if (bytes === undefined || delivered === 0) {
      giveBack()
      return errorAnswer(
        { code: 'upstream_failed', message: 'the provider answered without an image' },
        headersOf(receipt, model),
      )
    }
    const { noted, cost } = settle(hold, caller.hasLeft() ? 'abandoned' : 'finished', delivered)
    deps.metrics?.delivered(delivered, activity.name, model.id)
    const withCost = withMember(bytes, 'tollgate', cost)
    const headers = {
      'content-type': 'application/json',
      'x-tollgate-credits': cost.credits,
      ...headersOf(receipt, model),
    }
    recording.add(withCost)
    await noted
    // Kept also for a caller who left: it was charged, and a repetition is the way to what was paid for.
    recording.finish(200, headers)
    return { status: 200, headers, body: withCost }
  } catch (error) {
    // Whatever went wrong, credits do not stay held for a call that is over.
    giveBack()
    throw error
  } finally {
    stopRenewing()
  }

  /** Nothing was delivered: the hold is given back, with a receipt over zero. */
  function giveBack(): void {
    recording.forget()
    if (hold !== undefined) settle(hold, 'failed', 0)
  }

  function settle(held: Hold, outcome: Outcome, delivered: number) {
    const total = toMicro(delivered * activity.price)
    const row = rowOf(who, activity, model)
    const { version } = deps.catalogue
    const noted = settleCall(deps.metrics, held, outcome, {
      actual: total,
      row,
      quantities: { ...noQuantities, units: delivered },
      detail: receiptDetail({
        who,
        model: { provider: model.provider, pricedAs: activity.name },
        versions: { catalogue: version, prices: version },
        startedAtMs,
        endedAtMs: deps.clock.now(),
        outcome,
        estimated: false,
        lines: linesOf(activity, delivered, total),
      }),
    })
    return { noted, cost: answerCost(receipt, total, { ...model, tier: '', pricedAs: activity.name }, version, false) }
  }
}

/** Images have one category, whatever they were made for: their purpose is on the receipt. */
function rowOf(who: Attribution, { category, item }: PricedActivity, { id }: ImageModel): UsageRow {
  return { category, tier: '', model: id, item, employee: who.employee, organization: who.organization }
}

function linesOf({ price, per }: PricedActivity, quantity: number, amount: Micro) {
  return quantity === 0 ? [] : [{ kind: 'fixed', quantity, unit: per, rate: String(price), amount }]
}

function fitsOf(refusal: Refusal, price: Micro) {
  return refusal.kind === 'insufficient_credits' ? imagesThatFit(Math.floor(refusal.available / price)) : undefined
}

/** No other model's price is charged: what an image costs does not depend on who makes it. */
function headersOf(receipt: string, model: ImageModel): Record<string, string> {
  return callHeaders(receipt, { ...model, tier: '', pricedAs: model.id })
}

/** How many images an answer holds; 0 when it is none. What has neither data nor an address is one that failed. */
function imagesIn(bytes: Buffer): number {
  try {
    const { data } = JSON.parse(bytes.toString()) as { data?: unknown }
    return Array.isArray(data) ? data.filter(isImage).length : 0
  } catch {
    return 0
  }
}

function isImage(value: unknown): boolean {
  const { b64_json: base64, url } = (value ?? {}) as { b64_json?: unknown; url?: unknown }
  return [base64, url].some((each) => typeof each === 'string' && each !== '')
}
