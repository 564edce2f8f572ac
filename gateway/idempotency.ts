import { createHash } from 'node:crypto'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import type { Journal } from '../journal/journal.ts'
import type { RequestRecord } from '../journal/requests.ts'
import type { ClaimAnswer, RememberedAnswers } from '../ledger/remembered-answers.ts'
import type { Clock } from '../middleware/clock.ts'
import type { Answer } from './answer.ts'
import type { Log } from './deps.ts'
import { type CallError, errorAnswer } from './openai-error.ts'

/** A longer answer is delivered and charged, but not kept. */
const mostKeptBytes = 256 * 1024
/** How long a change of a key is tried: what Redis and the journal may be away for without an answer being forgotten. */
const patienceMs = 60_000
const shape = /^[\x21-\x7e]{1,255}$/

/** The answer to a call with an idempotency key, as it is being given. Without a key it does nothing. */
export interface Recording {
  /** Bytes that the caller gets. */
  add(bytes: Uint8Array): void
  /** The whole answer was given. */
  finish(status: number, headers: Readonly<Record<string, string>>): void
  /** The key may be used again: nothing was charged, or the answer was not finished. */
  forget(): void
}

export const noRecording: Recording = { add: () => undefined, finish: () => undefined, forget: () => undefined }

export type Claimed =
  | { readonly ok: true; readonly recording: Recording }
  | { readonly ok: false; readonly answer: Answer; readonly outcome: string }

export interface ClaimInput {
  readonly accountId: string
  /** undefined: the caller sent no key. */
  readonly key: string | undefined
  /** All that the answer depends on. */
  readonly request: readonly (string | Uint8Array)[]
  readonly receipt: string
  /** A gateway that dies frees its keys after so long, as it frees its holds. */
  readonly leaseMs: number
}

/** What the journal keeps of a key for good: Redis forgets it, and the answer, after a day. */
export type KeptKeys = Pick<Journal, 'findRequest' | 'rememberRequest'>

interface ClaimDeps {
  readonly answers: RememberedAnswers
  readonly keptKeys: KeptKeys
  readonly clock: Clock
  readonly log: Log
}

/** Claims an idempotency key for a call, or gives the answer that it got before. Rejects with LedgerUnavailable. */
export async function claimKey(
  deps: ClaimDeps,
  { accountId, key, request, receipt, leaseMs }: ClaimInput,
): Promise<Claimed> {
  if (key === undefined) return { ok: true, recording: noRecording }
  if (!shape.test(key))
    return refuse({
      code: 'invalid_request',
      message: 'Idempotency-Key has 1–255 visible ASCII characters',
      param: 'Idempotency-Key',
    })
  const fingerprint = createHash('sha256')
  for (const part of request) fingerprint.update(part).update('\n')
  const requestHash = fingerprint.digest('base64url')
  const claim = { accountId, key, id: receipt }
  const answer = await deps.answers.claim({ ...claim, fingerprint: requestHash, leaseMs })
  if (answer.status !== 'claimed') return refuseOrReplay(answer)
  const earlier = await findEarlier(deps, accountId, key)
  if (earlier !== null) {
    await deps.answers.forget(claim)
    return refuseOrReplay(
      earlier.requestHash === requestHash ? { status: 'finished', answer: null } : { status: 'conflict' },
    )
  }

  const chunks: Uint8Array[] = []
  let size = 0
  let over = false
  const stopRenewing = deps.clock.every(
    leaseMs / 3,
    () => void deps.answers.renew(claim, leaseMs).catch(() => undefined),
  )
  const end = (change: () => Promise<unknown>): void => {
    if (over) return
    over = true
    void untilDone(deps, change, receipt).finally(stopRenewing)
  }
  return {
    ok: true,
    recording: {
      add(bytes) {
        size += bytes.byteLength
        if (size <= mostKeptBytes) chunks.push(bytes)
        else chunks.length = 0
      },
      finish: (status, headers) =>
        end(async () => {
          const kept = size <= mostKeptBytes ? { status, headers, body: Buffer.concat(chunks).toString() } : null
          await deps.answers.finish(claim, kept)
          await deps.keptKeys.rememberRequest({ accountId, idempotencyKey: key, chargeId: receipt, requestHash })
        }),
      forget: () => end(() => deps.answers.forget(claim)),
    },
  }
}

/** While the journal is away calls go on: then a key counts for as long as Redis knows it. */
async function findEarlier({ keptKeys }: ClaimDeps, accountId: string, key: string): Promise<RequestRecord | null> {
  return keptKeys.findRequest(accountId, key).catch((error: unknown) => {
    if (error instanceof JournalUnavailable) return null
    throw error
  })
}

/** Tries for a while: a finished answer that nobody remembers would be paid for again. */
async function untilDone({ clock, log }: ClaimDeps, change: () => Promise<unknown>, receipt: string): Promise<void> {
  for (let waitMs = 250; ; waitMs *= 2) {
    try {
      await change()
      return
    } catch (error) {
      if (waitMs >= patienceMs / 2) {
        log.warn({ err: error, receipt }, 'an idempotency key was left to its lease')
        return
      }
      await clock.sleep(waitMs)
    }
  }
}

function refuseOrReplay(answer: Exclude<ClaimAnswer, { status: 'claimed' }> | { status: 'claimed' }): Claimed {
  switch (answer.status) {
    case 'claimed':
    case 'running':
      return refuse({ code: 'request_in_progress', message: 'a call with this Idempotency-Key is being answered' })
    case 'conflict':
      return refuse({ code: 'idempotency_conflict', message: 'this Idempotency-Key was used for another request' })
    case 'finished':
      if (answer.answer === null)
        return refuse({
          code: 'answer_not_kept',
          message: 'this call was answered before, and its answer is not kept any more; it is not made again',
        })
      return {
        ok: false,
        outcome: 'replayed',
        answer: { ...answer.answer, headers: { ...answer.answer.headers, 'x-tollgate-replayed': 'true' } },
      }
  }
}

const refuse = (error: CallError): Claimed => ({ ok: false, outcome: error.code, answer: errorAnswer(error) })
