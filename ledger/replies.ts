import type { Micro } from '../credits/money.ts'
import type { AskJournal, Began, Denied, NotLoaded, Settled } from './ledger.ts'

/** Narrow parsers of what scripts answer, by hand since they stand in the hot path. Each throws for a word that it does not know. */
export type Reply = readonly unknown[]

export function asReply(value: unknown): Reply {
  if (!Array.isArray(value)) throw new TypeError(`the ledger answered no list: ${String(value)}`)
  return value
}

export function unknownAnswer(operation: string, reply: Reply): never {
  throw new TypeError(`${operation} answered what nobody knows: ${JSON.stringify(reply)}`)
}

export function integerOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    throw new TypeError(`the ledger answered no whole number: ${String(value)}`)
  return value
}

export function microOf(value: unknown): Micro {
  return integerOf(value) as Micro
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`the ledger answered no text: ${String(value)}`)
  return value
}

export function parseBegan(epoch: unknown, windows: unknown): Began {
  return { epoch: integerOf(epoch), windows: JSON.parse(textOf(windows)) as readonly string[] }
}

export const notLoaded: NotLoaded = { status: 'account_not_loaded' }

export function parseAskJournal(reply: Reply): AskJournal {
  return { status: 'ask_journal', lineage: integerOf(reply[1]), nowMs: integerOf(reply[2]) }
}

export function parseSettled(status: Settled['status'], reply: Reply): Settled {
  return { status, charged: microOf(reply[1]), uncollected: microOf(reply[2]), epoch: integerOf(reply[3]) }
}

/** A denial whose figures start at `reply[at]`; undefined for another word. */
export function parseDenied(reply: Reply, at: number): Denied | undefined {
  switch (reply[0]) {
    case 'credits_depleted':
      return { status: 'credits_depleted' }
    case 'insufficient_credits':
      return { status: 'insufficient_credits', available: microOf(reply[at]) }
    case 'budget_exhausted':
      return { status: 'budget_exhausted', level: textOf(reply[at]), left: microOf(reply[at + 1]) }
    default:
      return undefined
  }
}
