import { join } from 'node:path'
import { systemClock as clock } from '../middleware/clock.ts'
import { createOutboxMetrics } from '../middleware/metrics.ts'
import { type OpenedOutbox, openOutbox } from '../middleware/outbox/open-outbox.ts'
import type { OutboxEvent } from '../middleware/outbox/outbox.ts'
import type { StoreEvent } from '../middleware/outbox/store.ts'
import type { Parts } from './open-parts.ts'
import type { Settings } from './settings.ts'
import { logOutboxEvent } from './log-outbox-event.ts'
import { asStartError } from './store-away.ts'

export interface OutboxPlace {
  readonly folder: string
  readonly syncMs: number
  /** A charge that the journal has not got after so long is sent again. */
  readonly replayAfterMs: number
}

export function outboxPlace({ DATA_DIR, OUTBOX_DIR, OUTBOX_SYNC_MS, OUTBOX_REPLAY_SECONDS }: Settings): OutboxPlace {
  return {
    folder: OUTBOX_DIR ?? join(DATA_DIR, 'outbox'),
    syncMs: OUTBOX_SYNC_MS,
    replayAfterMs: OUTBOX_REPLAY_SECONDS * 1_000,
  }
}

/** The outbox of a gateway or worker, which tells log and metrics. Throws StartError `outbox_unavailable` when the folder cannot be written: no call could start then. */
export async function openProcessOutbox(
  { ledger, journal, loader, registry, log }: Pick<Parts, 'ledger' | 'journal' | 'loader' | 'registry' | 'log'>,
  place: OutboxPlace,
): Promise<OpenedOutbox> {
  const count = createOutboxMetrics(registry)
  const onEvent = (event: OutboxEvent | StoreEvent): void => {
    count(event)
    logOutboxEvent(log, event)
  }
  return openOutbox({ ledger, journal, loader, clock, onEvent, ...place }).catch(asStartError)
}
