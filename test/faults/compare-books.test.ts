import { describe, expect, test } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import type { Micro } from '../../credits/money.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { JournalEntry } from '../../journal/journal-entry.ts'
import type { AccountBooks } from './at-rest.ts'
import { faultTable } from './book-table.ts'
import type { Attempt } from './callers.ts'
import { type Books, compareBooks } from './compare-books.ts'
import { billOf, type ProviderCall } from './mock-provider.ts'
import type { Happening } from './stand.ts'

const bill = billOf({ inputTokens: 10, outputTokens: 100 })

const call = (change: Partial<ProviderCall> = {}): ProviderCall => ({
  receipt: 'r1',
  id: 'chatcmpl-1',
  tag: 'call-1',
  streamed: true,
  beganAtMs: 10_000,
  inputTokens: 10,
  outputTokens: 100,
  produced: [
    { atMs: 11_000, tokens: 50 },
    { atMs: 20_000, tokens: 100 },
  ],
  state: 'finished',
  endedAtMs: 20_000,
  ...change,
})

const attempt = (change: Partial<Attempt> = {}): Attempt => ({
  tag: 'call-1',
  accountId: 'ada',
  gateway: 0,
  streamed: true,
  inputTokens: 10,
  idempotencyKey: '',
  beganAtMs: 9_990,
  endedAtMs: 20_010,
  receipt: 'r1',
  toldMicro: bill,
  deliveredTokens: 100,
  end: 'finished',
  code: '',
  ...change,
})

const entry = (charged: number, change: Partial<JournalEntry> = {}): JournalEntry => ({
  accountId: 'ada',
  id: 'r1',
  kind: 'settled',
  epoch: 1,
  calledIn: 1,
  row: 'ai_usage|||||',
  quantities: noQuantities,
  charged: charged as Micro,
  uncollected: 0 as Micro,
  windows: [],
  lineage: 1,
  n: 1,
  atMs: 20_005,
  detail: null,
  serial: 1,
  added: { ...noQuantities, charged, uncollected: 0 },
  ...change,
})

function account(entries: readonly JournalEntry[], change: Partial<AccountBooks> = {}): AccountBooks {
  const charged = entries.reduce((sum, { added }) => sum + added.charged, 0)
  const sums = { charged, uncollected: 0, units: 1, inputTokens: 10, outputTokens: 100 }
  return { accountId: 'ada', entries, corrections: 0, ledger: sums, journal: sums, workflow: sums, ...change }
}

const books = (change: Partial<Books> = {}): Books => ({
  provider: [call()],
  attempts: [attempt()],
  accounts: [account([entry(bill)])],
  shown: new Map(),
  happenings: [],
  holdMs: 6_000,
  ...change,
})

const faultsOf = (change: Partial<Books>): string[] => {
  const { wrong, complaints } = compareBooks(books(change))
  return [...wrong.map(({ fault }) => fault), ...complaints]
}
const killed: Happening = { atMs: 20_000, part: 'gateway A', what: 'killed' }
const lost = attempt({ end: 'lost', toldMicro: undefined, receipt: '' })
const hungUp = attempt({ end: 'hung_up', toldMicro: undefined, deliveredTokens: 50 })

describe('the comparison of all books', () => {
  test('has nothing to say where all say the same', () => {
    expect(faultTable(compareBooks(books()))).toBe('')
  })

  test.each<[string, Partial<Books>]>([
    [
      'a call that was cut by a kill is charged what was armed',
      {
        attempts: [lost],
        happenings: [killed],
        accounts: [account([entry(billOf({ inputTokens: 10, outputTokens: 50 }), { kind: 'expired' })])],
      },
    ],
    [
      'a whole answer that was cut by a kill is lost',
      {
        provider: [call({ streamed: false })],
        attempts: [attempt({ ...lost, streamed: false })],
        happenings: [killed],
        accounts: [account([])],
      },
    ],
    ['who hung up pays for what was produced', { attempts: [hungUp] }],
    [
      'who hung up pays for what was delivered',
      { attempts: [hungUp], accounts: [account([entry(billOf({ inputTokens: 10, outputTokens: 50 }))])] },
    ],
    [
      'what could not be collected is on the receipt',
      { accounts: [account([entry(0, { uncollected: bill as Micro })])] },
    ],
    [
      'a replay tells of the same receipt',
      { attempts: [attempt({ idempotencyKey: 'k' }), attempt({ idempotencyKey: 'k', end: 'replayed' })] },
    ],
    [
      'who left before the provider was asked pays for the input at most',
      {
        provider: [],
        attempts: [attempt({ ...hungUp, receipt: '', deliveredTokens: 0 })],
        accounts: [account([entry(1_000, { id: chargeId(10_000, 'left') })])],
      },
    ],
  ])('accepts: %s', (_, change) => {
    expect(faultsOf(change)).toEqual([])
  })

  test.each<[string, Partial<Books>, string]>([
    ['an answer that nobody charged', { accounts: [account([])] }, 'missing in the journal'],
    ['an answer that was charged too low', { accounts: [account([entry(bill - 1)])] }, 'charged too little'],
    ['an answer that was charged too high', { accounts: [account([entry(bill + 1)])] }, 'charged too much'],
    [
      'a caller who was told something else',
      { attempts: [attempt({ toldMicro: bill - 1 })] },
      `the caller was told ${bill - 1}`,
    ],
    [
      'an answer charged a second time under another id',
      { accounts: [account([entry(bill), entry(bill, { id: 'r2' })])] },
      'no caller asked for it',
    ],
    [
      'a lost connection without a kill, charged nothing',
      { attempts: [lost], accounts: [account([])] },
      'missing in the journal',
    ],
    [
      'a kill of the other gateway',
      { attempts: [lost], accounts: [account([])], happenings: [{ ...killed, part: 'gateway B' }] },
      'missing in the journal',
    ],
    [
      'a stream that was cut by a kill, long after its lease was renewed, charged nothing',
      { attempts: [lost], happenings: [killed], accounts: [account([])] },
      'missing in the journal',
    ],
    [
      'a stream that was cut by a kill, charged above the bill',
      { attempts: [lost], happenings: [killed], accounts: [account([entry(bill + 1)])] },
      'charged too much',
    ],
    [
      'who hung up charged for less than was delivered',
      { attempts: [hungUp], accounts: [account([entry(billOf({ inputTokens: 10, outputTokens: 49 }))])] },
      'charged too little',
    ],
    ['a call charged that no provider was asked for', { provider: [], attempts: [lost] }, 'no caller asked for it'],
    [
      'two answers for one key',
      {
        provider: [call(), call({ receipt: 'r2' })],
        attempts: [attempt({ idempotencyKey: 'k' }), attempt({ idempotencyKey: 'k', receipt: 'r2' })],
        accounts: [account([entry(bill), entry(bill, { id: 'r2' })])],
      },
      'the key k was answered by r1 and r2',
    ],
    [
      'a ledger of another mind',
      {
        accounts: [
          account([entry(bill)], {
            ledger: { charged: 1, uncollected: 0, units: 1, inputTokens: 10, outputTokens: 100 },
          }),
        ],
      },
      `ada: 1 µcr in the ledger, ${bill} by its receipts`,
    ],
    [
      'a receipt that is not shown',
      { shown: new Map([['r1', null]]) },
      `the receipt r1 shows null, and its caller was told ${bill}`,
    ],
    [
      'a receipt that shows another sum',
      { shown: new Map([['r1', 1]]) },
      `the receipt r1 shows 1, and its caller was told ${bill}`,
    ],
    [
      'what was not collected although nothing was settled late',
      {
        accounts: [
          account([entry(bill)], {
            journal: { charged: bill, uncollected: 9, units: 1, inputTokens: 10, outputTokens: 100 },
          }),
        ],
      },
      'ada: 9 µcr uncollected, and nothing was settled late',
    ],
    [
      'a correction that nothing explains',
      { accounts: [account([entry(bill)], { corrections: 2 })] },
      'ada: its ledger was corrected 2 times, and Redis never went back',
    ],
  ])('finds: %s', (_, change, fault) => {
    expect(faultsOf(change)).toEqual([fault])
    expect(faultTable(compareBooks(books(change)))).toContain(fault)
  })
})
