import { Counter, Gauge, type Registry } from 'prom-client'
import type { Gate } from './gate.ts'
import type { Outbox, OutboxEvent } from './outbox/outbox.ts'
import type { StoreEvent } from './outbox/store.ts'

/** What a process sees of its ledger beside the answers. */
export function createLedgerMetrics(registry: Registry) {
  const unconfirmed = new Counter({
    name: 'tollgate_unconfirmed_settlements_total',
    help: 'Settlements that were answered although no replica has confirmed them, where there are replicas',
    registers: [registry],
  })
  return { onUnconfirmed: (settlements: number) => unconfirmed.inc(settlements) }
}

/** Counts what the outboxes of a process tell of, by kind. */
export function createOutboxMetrics(registry: Registry): (event: OutboxEvent | StoreEvent) => void {
  const name = 'tollgate_outbox_events_total'
  const known = registry.getSingleMetric(name) as Counter<'event'> | undefined
  const events =
    known ??
    new Counter({
      name,
      help: 'What the outbox of settlements did and met, by event; docs/outbox.md says what each means',
      labelNames: ['event'],
      registers: [registry],
    })
  return ({ kind }) => events.inc({ event: kind })
}

interface Charging {
  readonly gate: Pick<Gate, 'figures'>
  readonly outbox: Pick<Outbox, 'figures'>
}
/** `npm start` has a gateway and a worker in one process, which report together. */
const reported = new WeakMap<Registry, Charging[]>()

/** How much work is open, and how much of what is over waits to be safe in the journal. */
export function reportGate(registry: Registry, gate: Charging['gate'], outbox: Charging['outbox']): void {
  const known = reported.get(registry)
  if (known !== undefined) {
    known.push({ gate, outbox })
    return
  }
  const all: Charging[] = [{ gate, outbox }]
  reported.set(registry, all)
  const sum = (read: (charging: Charging) => number) => all.reduce((total, each) => total + read(each), 0)
  const most = (read: (charging: Charging) => number) => Math.max(...all.map(read))
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('tollgate_open_holds', 'Holds of this process whose work goes on', () =>
    sum((each) => each.gate.figures().openHolds),
  )
  gauge(
    'tollgate_oldest_open_hold_seconds',
    'Age of the oldest of them',
    () => most((each) => each.gate.figures().oldestOpenHoldMs) / 1_000,
  )
  gauge('tollgate_outbox_entries', 'Settlements that the journal has not confirmed', () =>
    sum((each) => each.outbox.figures().entries),
  )
  gauge(
    'tollgate_outbox_oldest_seconds',
    'Age of the oldest of them',
    () => most((each) => each.outbox.figures().oldestAgeMs) / 1_000,
  )
  gauge('tollgate_outbox_bytes', 'What they take on disk', () => sum((each) => each.outbox.figures().bytes))
}
