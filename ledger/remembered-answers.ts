import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { z } from 'zod'
import { answerKey } from './keys.ts'
import { asLedgerFailure } from './unavailable.ts'

export interface RememberedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface AnswerClaim {
  readonly accountId: string
  /** The caller's idempotency key. */
  readonly key: string
  /** Of the charge that the answer costs. */
  readonly id: string
}

export type ClaimAnswer =
  | { readonly status: 'claimed' | 'running' | 'conflict' }
  /** null: answered, but too long to keep. */
  | { readonly status: 'finished'; readonly answer: RememberedAnswer | null }

/** Idempotency keys: who answers them, and what was answered, for 24 hours. Rejects with LedgerUnavailable when Redis does not answer. */
export interface RememberedAnswers {
  /** The first caller claims the key for `leaseMs`; the same request later hears what became of it, another request hears `conflict`. */
  claim(claim: AnswerClaim & { readonly fingerprint: string; readonly leaseMs: number }): Promise<ClaimAnswer>
  renew(claim: AnswerClaim, leaseMs: number): Promise<void>
  /** Nothing was charged: the key is free again. */
  forget(claim: AnswerClaim): Promise<void>
  /** null: too long to keep. */
  finish(claim: AnswerClaim, answer: RememberedAnswer | null): Promise<void>
}

const keptMs = 24 * 60 * 60 * 1_000
const script = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
const Reply = z.tuple([z.enum(['claimed', 'running', 'conflict', 'finished'])]).rest(z.string())
const Headers = z.record(z.string(), z.string())

interface AnswerRedis {
  claimAnswer(key: string, fingerprint: string, id: string, leaseMs: number, keptMs: number): Promise<unknown>
  changeAnswer(
    key: string,
    id: string,
    change: string,
    leaseMs: number,
    status: string,
    headers: string,
    body: string,
  ): Promise<unknown>
}

export function createRememberedAnswers(redis: Redis | Cluster): RememberedAnswers {
  redis.defineCommand('claimAnswer', { numberOfKeys: 1, lua: script('claim-answer') })
  redis.defineCommand('changeAnswer', { numberOfKeys: 1, lua: script('change-answer') })
  const commands = redis as unknown as AnswerRedis
  const change = async (
    { accountId, key, id }: AnswerClaim,
    what: string,
    leaseMs = 0,
    answer: RememberedAnswer | null = null,
  ): Promise<void> => {
    const fields =
      answer === null
        ? (['', '', ''] as const)
        : ([String(answer.status), JSON.stringify(answer.headers), answer.body] as const)
    await answered(commands.changeAnswer(answerKey(accountId, key), id, what, leaseMs, ...fields))
  }
  return {
    async claim({ accountId, key, id, fingerprint, leaseMs }) {
      const [status, ...answer] = Reply.parse(
        await answered(commands.claimAnswer(answerKey(accountId, key), fingerprint, id, leaseMs, keptMs)),
      )
      if (status !== 'finished') return { status }
      const [code, headers, body] = answer
      if (code === undefined || code === '') return { status, answer: null }
      return { status, answer: { status: Number(code), headers: Headers.parse(JSON.parse(headers!)), body: body! } }
    },
    renew: (claim, leaseMs) => change(claim, 'renew', leaseMs),
    forget: (claim) => change(claim, 'forget'),
    finish: (claim, answer) => change(claim, 'finish', 0, answer),
  }
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch (error) {
    throw asLedgerFailure(error)
  }
}
