import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { microPerCredit } from '../credits/money.ts'
import type { Census } from '../ledger/census.ts'
import { type Drift, driftPlaces, type ReconcileEvent, reconcileEvents } from './deps.ts'

export interface ReconcileMetrics {
  readonly count: (event: ReconcileEvent, by: number) => void
  readonly drift: (drift: Drift) => void
  readonly journaled: (lagMs: number) => void
}

/** What the reconciler does and finds. Labels are bounded by their types; credits are decimals: figures to watch, not to bill. */
export function createReconcileMetrics(registry: Registry): ReconcileMetrics {
  const registers = [registry]
  const events = new Counter({
    name: 'tollgate_reconcile_events_total',
    help: 'What reconciliation did and found, by event; docs/operations.md says what each means',
    labelNames: ['event'],
    registers,
  })
  const drift = new Counter({
    name: 'tollgate_drift_credits_total',
    help: 'Credits by which a copy of the books had too little (missing) or too much (surplus)',
    labelNames: ['where', 'direction'],
    registers,
  })
  const lag = new Histogram({
    name: 'tollgate_settlement_lag_seconds',
    help: 'From a settlement in the ledger to its receipt in the journal',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600],
    registers,
  })
  // From zero on: an alert on an increase would miss the first one of a series that begins with it.
  for (const event of reconcileEvents) events.inc({ event }, 0)
  for (const where of driftPlaces) for (const direction of ['missing', 'surplus']) drift.inc({ where, direction }, 0)
  return {
    count: (event, by) => events.inc({ event }, by),
    journaled: (lagMs) => lag.observe(lagMs / 1_000),
    drift: ({ where, amount }) =>
      drift.inc({ where, direction: amount > 0 ? 'missing' : 'surplus' }, Math.abs(amount) / microPerCredit),
  }
}

/** Figures of the ledger, taken when they are asked for; a figure is missing while it does not answer. */
export function reportCensus(registry: Registry, take: () => Promise<Census>): void {
  let underWay: Promise<Census | undefined> | undefined
  // All gauges are collected at once: one census serves them.
  const census = () =>
    (underWay ??= take()
      .catch(() => undefined)
      .finally(() => (underWay = undefined)))

  for (const [name, help, read] of censusGauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const taken = await census()
        if (taken === undefined) this.remove()
        else this.set(read(taken))
      },
    })
  }
}

const censusGauges: readonly (readonly [name: string, help: string, read: (census: Census) => number])[] = [
  ['tollgate_receipts_waiting', 'Receipts that the journal has not got', ({ receipts }) => receipts],
  [
    'tollgate_oldest_receipt_seconds',
    'How long the oldest of them waits',
    ({ oldestReceiptMs }) => oldestReceiptMs / 1_000,
  ],
  ['tollgate_dirty_accounts', 'Accounts whose rows their workflow has not got', ({ dirtyAccounts }) => dirtyAccounts],
  ['tollgate_loaded_accounts', 'Accounts that are in the ledger', ({ loadedAccounts }) => loadedAccounts],
  ['tollgate_holds', 'Holds in the ledger', ({ holds }) => holds],
  [
    'tollgate_overdue_hold_seconds',
    'How long the most overdue hold waits for the sweeper',
    ({ overdueMs }) => overdueMs / 1_000,
  ],
]
