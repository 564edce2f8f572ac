import { birthOf, isChargeId } from '../../credits/charge-id.ts'
import type { JournalEntry } from '../../journal/journal-entry.ts'
import type { AccountBooks } from './at-rest.ts'
import type { Attempt } from './callers.ts'
import { billOf, price, type ProviderCall } from './mock-provider.ts'
import type { Happening, PartName } from './stand.ts'

export interface Books {
  readonly provider: readonly ProviderCall[]
  readonly attempts: readonly Attempt[]
  readonly accounts: readonly AccountBooks[]
  /** What the API shows of some receipts, µcr. */
  readonly shown: ReadonlyMap<string, number | null>
  readonly happenings: readonly Happening[]
  readonly holdMs: number
}

/** One charge in all books, and what the rules allow. All amounts in µcr. */
export interface Line {
  readonly receipt: string
  readonly accountId: string
  readonly tag: string
  /** What became of it for its caller. */
  readonly end: string
  /** The same for the journal. */
  readonly outcome: string
  /** What the provider bills for it. */
  readonly billed: number
  /** By the journal. */
  readonly charged: number
  readonly uncollected: number
  /** Charged and uncollected together lie between these two. */
  readonly least: number
  readonly most: number
  /** The bound that applies; the rows of docs/faults.md. */
  readonly bound: BoundName
  /** Why it is wrong; '' when it is not. */
  readonly fault: string
}

export const bounds = {
  told: 'the caller heard the end of its answer: exactly what it was told, and what the provider bills',
  stopped: 'the answer says itself that it was cut: what was told, between what was delivered and what was produced',
  left: 'the caller hung up: between what was delivered and what was produced',
  'left early': 'the caller hung up on an answer that is not streamed, or before the first word: its input at most',
  'gateway died, stream':
    'the gateway was killed during the stream: at least half of what was produced until the last renewal of its lease that can have been accepted',
  'gateway died, whole': 'the gateway was killed during an answer that is not streamed: the whole call may be lost',
  lived: 'nobody hung up and no gateway died: what the provider bills',
  'not called': 'the provider was never asked: nothing',
} as const
export type BoundName = keyof typeof bounds

export interface Comparison {
  readonly lines: readonly Line[]
  readonly wrong: readonly Line[]
  /** What is wrong beyond single charges. */
  readonly complaints: readonly string[]
}

/** Compares the provider's books with the callers', the journal's, the ledger's and the workflow's, charge by charge and sum by sum. */
export function compareBooks(books: Books): Comparison {
  const entries = finalEntries(books.accounts)
  const calls = Map.groupBy(books.provider, ({ receipt }) => receipt)
  const attempts = attemptsByReceipt(books, entries)
  const receipts = new Set([...calls.keys(), ...entries.keys(), ...attempts.keys()])
  const lines = [...receipts].map((receipt) =>
    lineOf(books, receipt, calls.get(receipt) ?? [], attempts.get(receipt) ?? [], entries.get(receipt)),
  )
  return { lines, wrong: lines.filter(({ fault }) => fault !== ''), complaints: complaintsOf(books) }
}

/** Of each charge the entry that counts: what was settled replaces what had expired. */
function finalEntries(accounts: readonly AccountBooks[]): ReadonlyMap<string, JournalEntry> {
  const final = new Map<string, JournalEntry>()
  for (const { entries } of accounts)
    for (const entry of entries)
      if (entry.kind === 'settled' || final.get(entry.id) === undefined) final.set(entry.id, entry)
  return final
}

/** A caller who heard nothing was not told its receipt: the provider's books, or else when the receipt was born, tell which one it was. */
function attemptsByReceipt(
  { provider, attempts }: Books,
  entries: ReadonlyMap<string, JournalEntry>,
): ReadonlyMap<string, readonly Attempt[]> {
  const byReceipt = new Map(Map.groupBy(attempts, ({ receipt }) => receipt))
  const untold = new Set(byReceipt.get(''))
  byReceipt.delete('')
  const assign = (receipt: string, fits: (attempt: Attempt) => boolean): void => {
    if (byReceipt.has(receipt)) return
    const attempt = [...untold].findLast(fits)
    if (attempt === undefined) return
    untold.delete(attempt)
    byReceipt.set(receipt, [attempt])
  }
  // The provider may read the request after its caller has left.
  for (const { receipt, tag, beganAtMs } of provider)
    assign(receipt, (attempt) => attempt.tag === tag && attempt.beganAtMs <= beganAtMs)
  for (const { id, accountId } of entries.values()) {
    if (!isChargeId(id)) continue
    const bornAtMs = birthOf(id)
    assign(
      id,
      (attempt) =>
        attempt.end === 'hung_up' &&
        attempt.accountId === accountId &&
        attempt.beganAtMs <= bornAtMs &&
        bornAtMs <= attempt.endedAtMs + lateMs,
    )
  }
  return byReceipt
}

function lineOf(
  books: Books,
  receipt: string,
  calls: readonly ProviderCall[],
  attempts: readonly Attempt[],
  entry: JournalEntry | undefined,
): Line {
  const billed = calls.reduce((sum, call) => sum + billOf(call), 0)
  const charged = entry?.charged ?? 0
  const uncollected = entry?.uncollected ?? 0
  // A replay is told what the first answer cost.
  const attempt = attempts.find(({ end }) => end !== 'replayed') ?? attempts[0]
  const told = attempts.find(({ toldMicro }) => toldMicro !== undefined)?.toldMicro
  const { bound, least, most } = boundOf(books, { billed, calls, attempt, told, entry })
  const booked = charged + uncollected
  return {
    receipt,
    accountId: entry?.accountId ?? attempt?.accountId ?? '?',
    tag: calls[0]?.tag ?? attempt?.tag ?? '?',
    end: attempt === undefined ? 'not told' : `${attempt.end} ${attempt.code}`.trimEnd(),
    outcome: entry === undefined ? 'missing' : `${entry.kind} ${entry.detail?.outcome ?? ''}`.trimEnd(),
    billed,
    charged,
    uncollected,
    least,
    most,
    bound,
    fault: faultOf(),
  }

  function faultOf(): string {
    if (attempt === undefined && (billed > 0 || booked > 0)) return 'no caller asked for it'
    if (bound === 'told' && told !== billed) return `the caller was told ${told}`
    if (booked > most) return 'charged too much'
    if (booked >= least) return ''
    return entry === undefined ? 'missing in the journal' : 'charged too little'
  }
}

interface Known {
  readonly billed: number
  readonly calls: readonly ProviderCall[]
  readonly attempt: Attempt | undefined
  readonly told: number | undefined
  readonly entry: JournalEntry | undefined
}

function boundOf(
  books: Books,
  { billed, calls, attempt, told, entry }: Known,
): { readonly bound: BoundName; readonly least: number; readonly most: number } {
  const call = calls.at(-1)
  if (told !== undefined)
    return { bound: attempt?.end === 'stopped' ? 'stopped' : 'told', least: told, most: Math.min(told, billed) }
  if (attempt === undefined) return { bound: 'not called', least: 0, most: 0 }
  const inputMicro = attempt.inputTokens * price.input
  if (call === undefined)
    return attempt.end === 'hung_up'
      ? { bound: 'left early', least: 0, most: inputMicro }
      : { bound: 'not called', least: 0, most: 0 }
  const deliveredMicro = attempt.deliveredTokens === 0 ? 0 : inputMicro + attempt.deliveredTokens * price.output
  const died = killOf(books, attempt)
  if (died !== undefined && attempt.end !== 'hung_up') {
    if (!attempt.streamed) return { bound: 'gateway died, whole', least: 0, most: billed }
    const producedMicro = entry?.kind === 'settled' ? deliveredMicro : 0
    return {
      bound: 'gateway died, stream',
      least: Math.max(producedMicro, armedMicro(books, call, died.atMs)),
      most: billed,
    }
  }
  if (attempt.end === 'hung_up') {
    if (!attempt.streamed || attempt.deliveredTokens === 0)
      return { bound: 'left early', least: 0, most: Math.max(billed, inputMicro) }
    return died === undefined
      ? { bound: 'left', least: deliveredMicro, most: billed }
      : { bound: 'gateway died, stream', least: armedMicro(books, call, died.atMs), most: billed }
  }
  return { bound: 'lived', least: billed, most: billed }
}

/** The kill that ended this attempt's gateway, if one did. */
function killOf({ happenings }: Books, { gateway, beganAtMs, endedAtMs, end }: Attempt): Happening | undefined {
  const part: PartName = gateway === 0 ? 'gateway A' : 'gateway B'
  // What a caller left is counted and settled a moment later; a connection that broke off ended with the gateway.
  const untilMs = end === 'hung_up' ? endedAtMs + countedWithinMs : endedAtMs + 50
  return happenings.find(
    ({ part: killed, what, atMs }) => killed === part && what === 'killed' && atMs >= beganAtMs - 50 && atMs <= untilMs,
  )
}

/** The first count of a gateway's life loads a tokenizer. */
const countedWithinMs = 5_000
/** How late a renewal, and what it says, may be on a busy machine. */
const lateMs = 2_000

/** A lease is renewed, with what was produced so far, three times in its length: what a killed gateway's stream is charged at least. */
function armedMicro({ happenings, holdMs }: Books, call: ProviderCall, diedAtMs: number): number {
  const renewedAtMs = diedAtMs - holdMs / 3 - lateMs
  const disturbed = happenings.some(
    ({ part, atMs, what }) =>
      part === 'redis' && (what === 'lost' || (atMs >= renewedAtMs - holdMs && atMs <= diedAtMs)),
  )
  const tokens = call.produced.findLast(({ atMs }) => atMs <= renewedAtMs)?.tokens
  // Not counted but measured, by a gateway that may have seen too few calls to know how many bytes a token has.
  return disturbed || tokens === undefined ? 0 : (tokens * price.output) / 2
}

function complaintsOf({ attempts, accounts, shown, happenings }: Books): readonly string[] {
  const complaints: string[] = []
  for (const { receipt, toldMicro } of attempts) {
    const total = shown.get(receipt)
    if (total !== undefined && toldMicro !== undefined && total !== toldMicro)
      complaints.push(`the receipt ${receipt} shows ${total}, and its caller was told ${toldMicro}`)
  }
  for (const [key, own] of Map.groupBy(attempts, ({ idempotencyKey }) => idempotencyKey)) {
    if (key === '') continue
    const answers = own.filter(({ end }) => end === 'finished' || end === 'replayed').map(({ receipt }) => receipt)
    if (new Set(answers).size > 1) complaints.push(`the key ${key} was answered by ${answers.join(' and ')}`)
  }
  const redisWentBack = happenings.some(({ part, what }) => part === 'redis' && (what === 'killed' || what === 'lost'))
  const settledLate =
    redisWentBack || happenings.some(({ part, what }) => part.startsWith('gateway') && what === 'killed')
  for (const { accountId, entries, journal, ledger, workflow, corrections } of accounts) {
    const sum = entries.reduce((total, { added }) => total + added.charged, 0)
    for (const [name, { charged }] of Object.entries({ journal, ledger, workflow }))
      if (charged !== sum) complaints.push(`${accountId}: ${charged} µcr in the ${name}, ${sum} by its receipts`)
    if (journal.uncollected > 0 && !settledLate)
      complaints.push(`${accountId}: ${journal.uncollected} µcr uncollected, and nothing was settled late`)
    if (corrections > 0 && !redisWentBack)
      complaints.push(`${accountId}: its ledger was corrected ${corrections} times, and Redis never went back`)
  }
  return complaints
}
