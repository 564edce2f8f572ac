import { createHash } from 'node:crypto'
import type { ClaimAnswer, RememberedAnswers } from '../ledger/remembered-answers.ts'
import type { Clock } from '../middleware/clock.ts'
import type { Log } from './deps.ts'
import { type CallError, errorResponse } from './openai-error.ts'

/** A longer answer is delivered and charged, but not kept. */
const mostKeptBytes = 256 * 1024
const leaseMs = 60_000
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
  | { readonly ok: false; readonly response: Response; readonly outcome: string }

export interface ClaimInput {
  readonly accountId: string
  /** undefined: the caller sent no key. */
  readonly key: string | undefined
  /** All that the answer depends on. */
  readonly request: readonly (string | Uint8Array)[]
  readonly receipt: string
}

/** Claims an idempotency key for a call, or gives the answer that it got before. Rejects with LedgerUnavailable. */
export async function claimKey(
  deps: { readonly answers: RememberedAnswers; readonly clock: Clock; readonly log: Log },
  { accountId, key, request, receipt }: ClaimInput,
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
  const claim = { accountId, key, id: receipt }
  const answer = await deps.answers.claim({ ...claim, fingerprint: fingerprint.digest('base64url'), leaseMs })
  if (answer.status !== 'claimed') return refuseOrReplay(answer)

  const chunks: Uint8Array[] = []
  let size = 0
  let over = false
  const stopRenewing = deps.clock.every(
    leaseMs / 3,
    () => void deps.answers.renew(claim, leaseMs).catch(() => undefined),
  )
  const end = (change: () => Promise<void>): void => {
    if (over) return
    over = true
    stopRenewing()
    // A claim that cannot be ended now ends with its lease.
    change().catch((error: unknown) =>
      deps.log.warn({ err: error, receipt }, 'an idempotency key was left to its lease'),
    )
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
        end(() =>
          deps.answers.finish(
            claim,
            size <= mostKeptBytes ? { status, headers, body: Buffer.concat(chunks).toString() } : null,
          ),
        ),
      forget: () => end(() => deps.answers.forget(claim)),
    },
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
          message: 'this call was answered before; its answer was too long to keep',
        })
      return {
        ok: false,
        outcome: 'replayed',
        response: new Response(answer.answer.body, {
          status: answer.answer.status,
          headers: { ...answer.answer.headers, 'x-tollgate-replayed': 'true' },
        }),
      }
  }
}

const refuse = (error: CallError): Claimed => ({ ok: false, outcome: error.code, response: errorResponse(error) })
