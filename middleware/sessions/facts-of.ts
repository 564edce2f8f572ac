import type { Catalogue } from '../../credits/catalogue.ts'
import type { SessionFacts } from '../../credits/session/facts.ts'
import type { SessionStart } from '../../credits/session/messages.ts'
import type { SessionEntry } from '../../journal/sessions.ts'
import type { AdapterName } from '../../credits/session/session.ts'
import { levelsOf, rowOf } from '../temporal/price-work.ts'

/** What is known of one that has begun, by the journal and today's catalogue: its price and its place are those that it began with. */
export function factsOfEntry(
  catalogue: Pick<Catalogue, 'version' | 'activities' | 'sessions'>,
  { messageId: message, adapter, ref, platform, perMinute, rounding, id: sessionId, ...entry }: SessionEntry,
): SessionFacts | null {
  const start = { ...entry, sessionId, message, adapter, meetingUrl: null }
  const facts = factsOf(catalogue, start, adapter)
  return facts === null ? null : { ...facts, ref, platform, perMinute, rounding }
}

/** What a session that begins now costs, and how it is booked; null where the catalogue has none of its kind. */
export function factsOf(
  catalogue: Pick<Catalogue, 'version' | 'activities' | 'sessions'>,
  { accountId, kind, employee, organization, message, meetingUrl }: SessionStart,
  adapter: AdapterName,
): SessionFacts | null {
  const { kinds, rounding, silentAfterMs, warnMs } = catalogue.sessions
  const terms = kinds.find((each) => each.kind === kind)
  const entry = catalogue.activities.find(({ name }) => name === terms?.activity)
  if (terms === undefined || entry === undefined || !('price' in entry)) return null
  const who = { account: accountId, organization, employee, message }
  return {
    kind,
    employee,
    organization,
    message,
    adapter,
    meetingUrl,
    ref: '',
    platform: null,
    perMinute: entry.price,
    rounding,
    longestMs: terms.longestMs,
    silentAfterMs,
    warnMs,
    row: rowOf(entry.category, entry.item, who),
    levels: levelsOf(who),
    pricedAs: entry.name,
    catalogueVersion: catalogue.version,
  }
}
