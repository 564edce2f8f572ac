import type { Level } from '../terms.ts'
import type { UsageRow } from '../usage-row.ts'
import type { SessionRate } from './price.ts'
import type { AdapterName, Platform, SessionKind } from './session.ts'

/** What stays as it is while a session runs: set at its start, whatever the catalogue says later. */
export interface SessionFacts extends SessionRate {
  readonly kind: SessionKind
  readonly employee: string
  readonly organization: string
  /** The chat message that it answers; '' when none was named. */
  readonly message: string
  readonly adapter: AdapterName
  readonly meetingUrl: string | null
  /** By which the adapter finds it again; '' until it has begun. */
  readonly ref: string
  readonly platform: Platform | null
  /** A host has to let it in: it begins, and costs something, from then on. */
  readonly waits?: true
  readonly longestMs: number
  readonly silentAfterMs: number
  readonly warnMs: number
  readonly row: UsageRow
  readonly levels: readonly Level[]
  /** The activity whose price it is, and the catalogue that it stands in. */
  readonly pricedAs: string
  readonly catalogueVersion: string
}
