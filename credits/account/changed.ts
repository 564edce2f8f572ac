import { utcOffsetAt } from '../period.ts'
import { raiseAlerts } from './alerts.ts'
import type { AccountState } from './state.ts'
import { termsOf } from './terms-of.ts'

/**
 * Every command ends here: what must hold after any change. Alerts are raised, the zone's offset is that of now, and the terms
 * have a higher version if anything in them differs.
 */
export function changed(before: AccountState, after: AccountState, nowMs: number): AccountState {
  const next = raiseAlerts(
    { ...after, utcOffsetMs: utcOffsetAt(after.timeZone, nowMs), termsVersion: before.termsVersion },
    nowMs,
  )
  // Both carry the version of `before`, so the comparison is of all the rest.
  const same = JSON.stringify(termsOf(before)) === JSON.stringify(termsOf(next))
  return same ? next : { ...next, termsVersion: before.termsVersion + 1 }
}
