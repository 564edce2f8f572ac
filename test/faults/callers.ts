import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { inputTokensOf, promptOf, type Script } from './mock-provider.ts'
import type { Seeded } from './seeded.ts'

/** One request that a caller sent, and all that it was told: a fourth book beside provider, ledger and journal. */
export interface Attempt {
  /** Of the call; its repetitions have the same. */
  readonly tag: string
  readonly accountId: string
  readonly gateway: number
  readonly streamed: boolean
  readonly inputTokens: number
  /** '' for a call without one. */
  readonly idempotencyKey: string
  readonly beganAtMs: number
  endedAtMs: number
  /** '' while it was not told. */
  receipt: string
  /** What it cost, µcr, as the end of its answer said. */
  toldMicro: number | undefined
  /** Output that came. */
  deliveredTokens: number
  end: AttemptEnd
  /** Why it was refused or stopped. */
  code: string
}

/**
 * `finished`: a whole answer with its cost. `replayed`: the same, of an earlier attempt. `stopped`: an answer that says itself that it is not whole.
 * `refused`: an error instead of an answer. `hung_up`: by the caller. `lost`: the connection broke off.
 */
export type AttemptEnd = 'finished' | 'replayed' | 'stopped' | 'refused' | 'hung_up' | 'lost'

export interface Caller {
  readonly accountId: string
  readonly apiKey: string
}

export interface Load {
  /** Begins the tags of its calls: unique in a stand. */
  readonly name: string
  readonly seed: Seeded
  readonly callers: readonly Caller[]
  /** Where each gateway is, whether it is up or not. */
  readonly urls: readonly string[]
  readonly callsPerSecond: number
}

export interface Traffic {
  readonly attempts: readonly Attempt[]
  /** Calls that were begun, repetitions not counted. */
  readonly begun: () => number
  /** Resolves when so many calls have begun. */
  readonly reached: (calls: number) => Promise<void>
  /** Begins no more calls, and resolves when those on their way have ended. */
  stop(): Promise<void>
}

/** A caller with an idempotency key repeats its call for as long: longer than any part is away in these tests. */
const repeatsForMs = 60_000
const mostAtOnce = 80
/** Of so many calls the last come in company: whole, of one account at one gateway, and so close to each other that all but the first run on a tab. */
const perCompany = 18
const companySize = 6
const companyEveryMs = 8
const isInCompany = (number: number): boolean => number % perCompany >= perCompany - companySize

/** What one call is, by its number and the seed alone. */
interface Plan {
  readonly script: Script
  readonly caller: Caller
  readonly gateway: number
  readonly streamed: boolean
  readonly keyed: boolean
  readonly promptTokens: number
  /** The caller reads so many tokens and leaves; undefined: it stays. */
  readonly leavesAfterTokens: number | undefined
  /** Of a call that is not streamed. */
  readonly leavesAfterMs: number | undefined
}

function planOf(number: number, { name, seed, callers, urls }: Load): Plan {
  const own = seed.of(`call ${number}`)
  const company = isInCompany(number) ? seed.of(`company ${Math.floor(number / perCompany)}`) : undefined
  const streamed = company === undefined && own.chance(0.6)
  // Calls in company end together, too
  const from = company ?? own
  const long = from.chance(0.1)
  const tokens = long ? from.whole(600, 1_600) : from.whole(10, 240)
  const leaves = own.chance(0.12)
  const script = { tag: `${name}-${number}`, tokens, perChunk: long ? 20 : 8, everyMs: 50 }
  return {
    script,
    caller: from.pick(callers),
    gateway: from.whole(0, urls.length - 1),
    streamed,
    keyed: own.chance(0.3),
    promptTokens: own.whole(1, 60),
    leavesAfterTokens: leaves && streamed ? own.whole(0, tokens) : undefined,
    leavesAfterMs: leaves && !streamed ? own.whole(20, 400) : undefined,
  }
}

/** Callers who send a steady stream of calls, hang up, and repeat what they lost. They never stop for a fault. */
export function startCallers(load: Load): Traffic {
  const attempts: Attempt[] = []
  const underWay = new Set<Promise<void>>()
  const waiting: { readonly calls: number; readonly resolve: () => void }[] = []
  const agent = new Agent({ connections: null, pipelining: 1, keepAliveTimeout: 1_000 })
  let begun = 0
  /** Turns of calls that were begun in company, ahead of theirs. */
  let ahead = 0
  const timer = setInterval(() => {
    if (ahead > 0) ahead -= 1
    else if (underWay.size < mostAtOnce && isInCompany(begun)) {
      const company = beginCompany().finally(() => underWay.delete(company))
      underWay.add(company)
    } else if (underWay.size < mostAtOnce) begin()
  }, 1_000 / load.callsPerSecond)

  async function beginCompany(): Promise<void> {
    ahead = companySize - 1
    for (let call = 0; call < companySize; call += 1) {
      begin()
      await pause(companyEveryMs)
    }
  }

  function begin(): void {
    const plan = planOf(begun, load)
    begun += 1
    const work = makeCall(plan).finally(() => underWay.delete(work))
    underWay.add(work)
    for (const { calls, resolve } of waiting) if (begun >= calls) resolve()
  }

  async function makeCall(plan: Plan): Promise<void> {
    const giveUpMs = Date.now() + repeatsForMs
    for (let turn = 0; ; turn += 1) {
      const attempt = await makeAttempt(plan, (plan.gateway + turn) % load.urls.length)
      attempts.push(attempt)
      const worthRepeating =
        attempt.end === 'lost' ||
        (attempt.end === 'stopped' && attempt.code !== 'credits_depleted' && attempt.code !== 'insufficient_credits') ||
        (attempt.end === 'refused' && passing.has(attempt.code))
      if (!plan.keyed || !worthRepeating || Date.now() > giveUpMs) return
      await pause(Math.min(2_000, 200 * 2 ** turn))
    }
  }

  async function makeAttempt(plan: Plan, gateway: number): Promise<Attempt> {
    const attempt: Attempt = {
      tag: plan.script.tag,
      accountId: plan.caller.accountId,
      gateway,
      streamed: plan.streamed,
      inputTokens: inputTokensOf(plan.promptTokens),
      idempotencyKey: plan.keyed ? plan.script.tag : '',
      beganAtMs: Date.now(),
      endedAtMs: 0,
      receipt: '',
      toldMicro: undefined,
      deliveredTokens: 0,
      end: 'lost',
      code: '',
    }
    const leave = new AbortController()
    const leaveTimer =
      plan.leavesAfterMs === undefined ? undefined : setTimeout(() => leave.abort(), plan.leavesAfterMs)
    try {
      const answer = await request(`${load.urls[gateway]}/v1/chat/completions`, {
        method: 'POST',
        dispatcher: agent,
        signal: leave.signal,
        headersTimeout: 60_000,
        bodyTimeout: 60_000,
        headers: {
          authorization: `Bearer ${plan.caller.apiKey}`,
          'content-type': 'application/json',
          ...(plan.keyed ? { 'idempotency-key': plan.script.tag } : {}),
        },
        body: JSON.stringify({
          model: 'openai/steady',
          stream: plan.streamed,
          max_tokens: 1_600,
          messages: [{ role: 'user', content: promptOf(plan.promptTokens) }],
          script: plan.script,
        }),
      })
      attempt.receipt = String(answer.headers['x-tollgate-receipt'] ?? '')
      const replayed = answer.headers['x-tollgate-replayed'] === 'true'
      if (answer.statusCode !== 200) {
        const { error } = (await answer.body.json()) as { error: { code: string } }
        attempt.end = 'refused'
        attempt.code = error.code
      } else if (plan.streamed) {
        await readStream(answer.body, attempt, plan.leavesAfterTokens ?? Number.POSITIVE_INFINITY, leave)
      } else {
        const { choices, tollgate } = (await answer.body.json()) as WholeAnswer
        attempt.deliveredTokens = tokensIn(choices[0]!.message.content)
        attempt.toldMicro = tollgate.microCredits
        attempt.end = 'finished'
      }
      if (replayed && attempt.end === 'finished') attempt.end = 'replayed'
    } catch (error) {
      attempt.end = leave.signal.aborted ? 'hung_up' : 'lost'
      if (attempt.end === 'lost') attempt.code = (error as { code?: string }).code ?? (error as Error).message
    } finally {
      clearTimeout(leaveTimer)
      attempt.endedAtMs = Date.now()
    }
    return attempt
  }

  return {
    attempts,
    begun: () => begun,
    reached: (calls) =>
      new Promise((resolve) => {
        if (begun >= calls) resolve()
        else waiting.push({ calls, resolve })
      }),
    async stop() {
      clearInterval(timer)
      while (underWay.size > 0) await Promise.all(underWay)
      await agent.destroy()
    },
  }
}

/** Refusals that waiting can cure. */
const passing = new Set([
  'request_in_progress',
  'ledger_unavailable',
  'keys_unavailable',
  'outbox_unavailable',
  'upstream_failed',
  'internal_error',
])

interface WholeAnswer {
  readonly choices: readonly { readonly message: { readonly content: string } }[]
  readonly tollgate: { readonly microCredits: number }
}
interface Chunk {
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[]
  readonly tollgate?: { readonly microCredits: number }
  readonly error?: { readonly code: string; readonly tollgate?: { readonly microCredits: number } }
}

async function readStream(
  body: AsyncIterable<Uint8Array>,
  attempt: Attempt,
  leavesAfterTokens: number,
  leave: AbortController,
): Promise<void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true })
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = event.slice('data: '.length)
      if (data === '[DONE]') {
        attempt.end = 'finished'
        continue
      }
      const { choices, tollgate, error } = JSON.parse(data) as Chunk
      attempt.deliveredTokens += tokensIn(choices?.[0]?.delta.content ?? '')
      attempt.toldMicro = error?.tollgate?.microCredits ?? tollgate?.microCredits ?? attempt.toldMicro
      if (error !== undefined) {
        attempt.end = 'stopped'
        attempt.code = error.code
      }
      // Whoever heard the end has nothing left to leave.
      if (attempt.deliveredTokens >= leavesAfterTokens && attempt.toldMicro === undefined) leave.abort()
    }
  }
}

/** The words of the mock provider begin with a space each. */
const tokensIn = (text: string): number => text.split(' ').length - 1
