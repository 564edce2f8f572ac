/**
 * The id of one charge: its birth (ms since epoch, base 36, nine digits), a dot, and a key of 1–90 characters from `[A-Za-z0-9_-]`.
 * The birth lets the ledger tell an id it must know from one that only the journal can know (docs: reference in design, "Ids").
 */
export type ChargeId = string

const shape = /^[0-9a-z]{9}\.[A-Za-z0-9_-]{1,90}$/

/** Throws RangeError for a key with other characters, or a birth that is not a whole number of ms. */
export function chargeId(birthMs: number, key: string): ChargeId {
  const id = `${birthMs.toString(36).padStart(9, '0')}.${key}`
  if (!Number.isSafeInteger(birthMs) || !isChargeId(id)) throw new RangeError(`not a charge id: ${id}`)
  return id
}

export function isChargeId(text: string): boolean {
  return shape.test(text)
}

/** Throws RangeError for text that is no charge id. */
export function checkChargeId(text: string): void {
  if (!isChargeId(text)) throw new RangeError(`not a charge id: ${text}`)
}

/** Birth in ms since epoch. Throws RangeError for text that is no charge id. */
export function birthOf(id: ChargeId): number {
  checkChargeId(id)
  return Number.parseInt(id.slice(0, 9), 36)
}
