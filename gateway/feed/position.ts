import type { Receipt } from '../../credits/receipt.ts'

/** How far a viewer has come. */
export interface Position {
  /** The last receipt told: life of the ledger, and number in it. */
  readonly lineage: number
  readonly n: number
  /** Journal entries up to this serial were told; null when the journal could not be asked. */
  readonly serial: number | null
  /** Alerts up to this time were told, ms. */
  readonly alertsMs: number
}

/** As the `id:` of an event, which a client sends back as Last-Event-ID. */
export function formatPosition({ lineage, n, serial, alertsMs }: Position): string {
  return `${lineage}.${n}.${serial ?? ''}.${alertsMs}`
}

/** undefined for anything that we did not write: the client then starts afresh, which is always right. */
export function parsePosition(text: string | undefined): Position | undefined {
  const [, lineage, n, serial, alertsMs] = /^(\d{1,15})\.(\d{1,15})\.(\d{0,15})\.(\d{1,15})$/.exec(text ?? '') ?? []
  if (lineage === undefined) return undefined
  return {
    lineage: Number(lineage),
    n: Number(n),
    serial: serial === '' ? null : Number(serial),
    alertsMs: Number(alertsMs),
  }
}

type Numbered = Pick<Receipt, 'lineage' | 'n'>

/** Whether `one` was written after `other`; a later life of the ledger is later whatever its numbers. */
export function isAfter(one: Numbered, other: Numbered): boolean {
  return one.lineage > other.lineage || (one.lineage === other.lineage && one.n > other.n)
}

export function inOrder(one: Numbered, other: Numbered): number {
  return one.lineage - other.lineage || one.n - other.n
}
