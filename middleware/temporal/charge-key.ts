import { createHash } from 'node:crypto'
import { type ChargeId, chargeId } from '../../credits/charge-id.ts'

/** What a charge is for. Attempts are left out: a retried or twice-run activity is charged once. */
export interface ChargedFor {
  /** When that came into being, ms since epoch, by a clock that answers the same in all attempts. */
  readonly bornMs: number
  /** What names it, outermost first: run, activity, purpose. */
  readonly path: readonly string[]
  /** Counts within it. */
  readonly ordinal: number
}

/** The same id whoever asks, and whenever. */
export function idOf({ bornMs, path, ordinal }: ChargedFor): ChargeId {
  const hash = createHash('sha256').update(JSON.stringify(path)).digest('base64url').slice(0, 32)
  return chargeId(bornMs, `${hash}-${ordinal}`)
}
