import type { Log } from './log.ts'
import { openParts, openStore, type Parts } from './open-parts.ts'
import { required, type Settings } from './settings.ts'

/** The parts of a process that shares them with others: every address must be set, nothing is embedded. */
export function openPartsByAddress(settings: Settings, log: Log): Promise<Parts> {
  const redisUrl = required(settings, 'REDIS_URL')
  const address = required(settings, 'TEMPORAL_ADDRESS')
  const url = required(settings, 'DATABASE_URL')
  return openParts({
    redisUrl,
    temporal: { address, namespace: settings.TEMPORAL_NAMESPACE },
    journal: openStore({ url }),
    cataloguePath: settings.CATALOGUE,
    clockSlackMs: settings.CLOCK_SLACK_SECONDS * 1_000,
    environment: process.env,
    log,
  })
}
