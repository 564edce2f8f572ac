import type { Micro } from '../credits/money.ts'
import type { AccountCard } from '../credits/terms.ts'
import type { EarlierFigures } from '../credits/balance.ts'
import type { AccountReading, AccountSnapshot } from './ledger.ts'

/** A hash as scripts answer it: a flat list of fields and values. */
export function pairsOf(flat: unknown): ReadonlyMap<string, string> {
  if (!Array.isArray(flat)) throw new TypeError('the ledger answered no hash')
  const pairs = new Map<string, string>()
  for (let index = 0; index < flat.length; index += 2) pairs.set(String(flat[index]), String(flat[index + 1]))
  return pairs
}

/** The fields that account.lua describes, as it makes them `readable`. Throws TypeError for what no script wrote. */
export function parseReading(hash: ReadonlyMap<string, string>, nowMs: number): AccountReading {
  const [, , , , version, spent, held, quarantine] = numbersOf(listOf(hash.get('figures')), 9)
  const [lineage, , , quarantineUntilMs] = numbersOf(listOf(hash.get('life')), 5)
  const [termsVersion, epoch, granted, used] = numbersOf(listOf(hash.get('terms')), 5)
  return {
    lineage: lineage!,
    version: version!,
    termsVersion: termsVersion!,
    card: JSON.parse(hash.get('card') ?? '') as AccountCard,
    nowMs,
    epoch: epoch!,
    granted: granted as Micro,
    used: used as Micro,
    spent: spent as Micro,
    held: held as Micro,
    earlier: booksOf(numbersOf(listOf(hash.get('earlier')), 0)),
    quarantine: (nowMs < quarantineUntilMs! ? quarantine : 0) as Micro,
  }
}

export type AccountMarks = Pick<AccountSnapshot, 'bornIn' | 'seq' | 'n' | 'drained' | 'acked' | 'corrections'>

/** How far rows, receipts and corrections of an account have come. Throws TypeError for what no script wrote. */
export function parseMarks(hash: ReadonlyMap<string, string>): AccountMarks {
  const [seq, n, drained, acked] = numbersOf(listOf(hash.get('figures')), 9)
  const [, bornIn, , , corrections] = numbersOf(listOf(hash.get('life')), 5)
  return { bornIn: bornIn!, seq: seq!, n: n!, drained: drained!, acked: acked!, corrections: corrections! }
}

/** Five numbers for each. */
function booksOf(numbers: readonly number[]): readonly EarlierFigures[] {
  const books: EarlierFigures[] = []
  for (let at = 0; at < numbers.length; at += 5) {
    const [epoch, spent, held, free, counted] = numbers.slice(at, at + 5)
    books.push({
      epoch: epoch!,
      spent: spent as Micro,
      held: held as Micro,
      free: free as Micro,
      counted: counted as Micro,
    })
  }
  return books
}

/** At least so many whole numbers, as scripts list them. Throws TypeError for anything else. */
export function numbersOf(list: unknown, count: number): readonly number[] {
  if (!Array.isArray(list) || list.length < count || !list.every(Number.isSafeInteger))
    throw new TypeError(`not a list of ${count} or more whole numbers: ${JSON.stringify(list)}`)
  return list as readonly number[]
}

/** A JSON list. Throws TypeError for anything else. */
export function listOf(text: string | undefined): readonly unknown[] {
  const list: unknown = text === undefined ? null : JSON.parse(text)
  if (!Array.isArray(list)) throw new TypeError(`not a list: ${text}`)
  return list
}
