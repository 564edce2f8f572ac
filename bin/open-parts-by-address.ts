import type { Log } from './log.ts'
import { mailOptions } from './mail-options.ts'
import { openParts, openStore, type Parts, readCatalogue } from './open-parts.ts'
import { createPatience } from './patience.ts'
import type { addresses, With } from './settings.ts'

/** The parts of a gateway or worker that runs as a process of its own: each store by its address. Waits no longer for any once `stopped` fires. */
export async function openPartsByAddress(
  settings: With<(typeof addresses)[number]>,
  log: Log,
  stopped: AbortSignal,
): Promise<Parts> {
  const catalogue = await readCatalogue(settings.CATALOGUE)
  const patience = createPatience({ seconds: settings.START_PATIENCE_SECONDS, stopped, log })
  return openParts({
    redisUrl: settings.REDIS_URL,
    temporal: { address: settings.TEMPORAL_ADDRESS, namespace: settings.TEMPORAL_NAMESPACE },
    journal: openStore({ url: settings.DATABASE_URL }, patience),
    catalogue,
    clockSlackMs: settings.CLOCK_SLACK_SECONDS * 1_000,
    holdMs: settings.HOLD_SECONDS * 1_000,
    environment: process.env,
    mail: mailOptions(settings),
    patience,
    log,
  })
}
