import { type RunningCompany, startCompany } from '../examples/company/start-company.ts'
import { systemClock as clock } from '../middleware/clock.ts'
import { createCharges } from '../middleware/create-charges.ts'
import { openOutbox } from '../middleware/outbox/open-outbox.ts'
import { logOutboxEvent } from './log-outbox-event.ts'
import type { Parts } from './open-parts.ts'
import { asStartError } from './store-away.ts'

export interface DevCompanyOptions {
  /** Its own: it charges beside the gateway, not through it. */
  readonly outboxFolder: string
  readonly redisUrl: string
  readonly gatewayUrl: string
  readonly serviceKey: string
  readonly workflowBundle: Promise<{ readonly code: string }>
  readonly host: string
  readonly port: number
}

/** Activities and settlements under way may take this long to end. */
const drainMs = 10_000

/**
 * The example company in the process of `npm start`, whose journal nobody else can open. Anywhere else it is a process of its own:
 * examples/company/main.ts. Throws StartError `outbox_unavailable`.
 */
export async function startDevCompany(
  { ledger, journal, loader, catalogue, temporal, log }: Parts,
  { outboxFolder: folder, ...options }: DevCompanyOptions,
): Promise<RunningCompany> {
  const { outbox, lost } = await openOutbox({
    ledger,
    journal,
    loader,
    clock,
    folder,
    onEvent: (event) => logOutboxEvent(log, event),
  }).catch(asStartError)
  const own = createCharges({
    ledger,
    journal,
    loader,
    outbox,
    clock,
    depletedBelow: catalogue.policies.depletedBelow,
    onMeterFailure: (meter, error) =>
      log.warn({ meter, err: error }, 'a meter could not be kept; its next lease makes up for it'),
  })
  const closeCharges = async (): Promise<void> => {
    await own.close(drainMs)
    await outbox.close(0)
  }
  try {
    const company = await startCompany({
      ...options,
      temporal,
      catalogue,
      charges: own.charges,
      onLog: (message, facts) => log.debug(facts, message),
    })
    return {
      url: company.url,
      ended: Promise.race([lost, company.ended]),
      async close() {
        await company.close()
        await closeCharges()
      },
    }
  } catch (error) {
    await closeCharges()
    throw error
  }
}
