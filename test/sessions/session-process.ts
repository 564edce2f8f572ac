import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSessionActivities, type SessionActivities } from '../../activities/session-activities.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { systemClock as clock } from '../../middleware/clock.ts'
import { createGate, type GateDeps } from '../../middleware/gate.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'
import type { SessionAdapters } from '../../middleware/sessions/adapter.ts'
import { browserAdapter } from '../../middleware/sessions/adapters/browser.ts'
import { endAskedFor } from '../../middleware/sessions/end-asked-for.ts'
import { createSupervisor } from '../../middleware/sessions/supervisor.ts'

/** Looks come quickly: tests wait for what follows. */
const lookMs = 20

export interface SessionProcess {
  readonly activities: SessionActivities
  close(): Promise<void>
}

/** What a worker does for sessions, with an outbox of its own. */
export async function openSessionProcess({
  ledger,
  journal,
  catalogue,
  loadAccount,
  findCharge,
  adapters = { browser: browserAdapter },
}: Pick<GateDeps, 'loadAccount' | 'findCharge'> & {
  readonly ledger: Ledger
  readonly journal: Journal
  readonly catalogue: Catalogue
  readonly adapters?: SessionAdapters
}): Promise<SessionProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-session-process-'))
  const outbox = await createOutbox({
    store: await openStore({ folder, clock, onEvent: () => undefined }),
    ledger,
    journal: { findCharge, settledAmong: (charges) => journal.settledAmong(charges) },
    loadAccount,
    clock,
  })
  const gate = createGate({ ledger, findCharge, loadAccount, clock, outbox })
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const supervisor = createSupervisor({
    ledger,
    gate,
    adapters,
    endAskedFor: (name) => endAskedFor(journal, name),
    clock,
    log,
    lookMs,
  })
  return {
    activities: createSessionActivities({ ledger, gate, adapters, supervisor, catalogue, journal, log }),
    async close() {
      supervisor.close()
      await outbox.close(0)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
