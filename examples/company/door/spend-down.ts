import { Hono } from 'hono'
import OpenAI from 'openai'
import type { DoorDeps, SignedIn } from './deps.ts'

const mostMs = 10 * 60_000
/** Near the end a dear one is refused that a cheaper one can still spend on. */
const steps = [
  { model: 'practice/o1-pro', n: 20 },
  { model: 'practice/gpt-6-sol', n: 20 },
  { model: 'practice/gpt-6-sol', n: 1 },
  { model: 'fast', n: 1 },
] as const

/** Asks a dear model for answers that nobody reads, until nothing is left: the way to see what happens at zero. Once at a time for an account, ten minutes at most. */
export function spendDown({
  gatewayUrl,
  serviceKey,
  onLog,
}: Pick<DoorDeps, 'gatewayUrl' | 'serviceKey' | 'onLog'>): Hono<SignedIn> {
  const routes = new Hono<SignedIn>()
  const underWay = new Map<string, AbortController>()
  const client = new OpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: serviceKey, maxRetries: 0 })

  async function spend(account: string, signal: AbortSignal): Promise<void> {
    for (const step of steps) await untilRefused(step, account, signal)
  }

  async function untilRefused(step: (typeof steps)[number], account: string, signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const messages = [{ role: 'user', content: 'Write 2000 words.' }] as const
        const stream = await client.chat.completions.create(
          { ...step, stream: true, messages: [...messages] },
          { headers: { 'x-tollgate-account': account }, signal },
        )
        for await (const _ of stream);
      }
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
  }

  routes.post('/', (context) => {
    const account = context.get('account')
    if (!underWay.has(account)) {
      const stopping = new AbortController()
      underWay.set(account, stopping)
      spend(account, AbortSignal.any([stopping.signal, AbortSignal.timeout(mostMs)]))
        .catch((error: unknown) => {
          if (error instanceof OpenAI.APIUserAbortError) return
          onLog?.('spending down failed', { error: String(error) })
        })
        .finally(() => underWay.delete(account))
    }
    return context.json({}, 202)
  })

  routes.delete('/', (context) => {
    underWay.get(context.get('account'))?.abort()
    return context.json({})
  })

  return routes
}

function isRefusal(error: unknown): boolean {
  return error instanceof OpenAI.APIError && ['credits_depleted', 'insufficient_credits'].includes(error.code ?? '')
}
