import { Counter, type Registry } from 'prom-client'

/** What a process sees of its ledger beside the answers. */
export function createLedgerMetrics(registry: Registry) {
  const unconfirmed = new Counter({
    name: 'tollgate_unconfirmed_settlements_total',
    help: 'Settlements that were answered although no replica has confirmed them, where there are replicas',
    registers: [registry],
  })
  return { onUnconfirmed: (settlements: number) => unconfirmed.inc(settlements) }
}
