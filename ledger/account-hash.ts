import type { Micro } from '../credits/money.ts'
import type { AccountCard } from '../credits/terms.ts'
import type { AccountReading } from './ledger.ts'

/** A hash as scripts answer it: a flat list of fields and values. */
export function pairsOf(flat: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(flat)) throw new TypeError('the ledger answered no hash')
  const pairs = new Map<string, string>()
  for (let index = 0; index < flat.length; index += 2) pairs.set(String(flat[index]), String(flat[index + 1]))
  return pairs
}

/** A number of the account's hash. Throws TypeError where there is none. */
export function figureOf(hash: ReadonlyMap<string, string>, field: string): number {
  const value = Number(hash.get(field) ?? Number.NaN)
  if (!Number.isSafeInteger(value)) throw new TypeError(`the account has no ${field}: ${hash.get(field)}`)
  return value
}

export function parseReading(hash: ReadonlyMap<string, string>, nowMs: number): AccountReading {
  const figure = (field: string): number => figureOf(hash, field)
  const micro = (field: string): Micro => figure(field) as Micro
  const earlier = (hash.get('epochs') ?? '').split(',').filter((epoch) => epoch !== '')
  return {
    lineage: figure('lineage'),
    version: figure('version'),
    termsVersion: figure('termsVersion'),
    card: JSON.parse(hash.get('card') ?? '') as AccountCard,
    nowMs,
    epoch: figure('epoch'),
    granted: micro('granted'),
    used: micro('used'),
    spent: micro('spent'),
    held: micro('held'),
    earlier: earlier.map((epoch) => ({
      epoch: Number(epoch),
      spent: micro(`spent:${epoch}`),
      held: micro(`held:${epoch}`),
      free: micro(`free:${epoch}`),
      counted: micro(`counted:${epoch}`),
    })),
    quarantine: nowMs < figure('quarantineUntil') ? micro('quarantine') : (0 as Micro),
  }
}
