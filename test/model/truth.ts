import type { Name } from './ledger/state.ts'

/** One piece of work, as the world outside knows it: what it really cost, and what was heard of its charge. */
export interface Work extends Name {
  readonly kind: 'call' | 'charge'
  /** Spoken of in stories: `call 7`. */
  readonly title: string
  readonly row: string
  readonly levels: readonly string[]
  /** What it costs in all; less than was accrued if it fails at the end. */
  price: number
  /** What is reserved for it at first. */
  readonly hold: number
  readonly slices: number
  readonly sliceMs: number
  readonly lastSliceMs: number
  /** Ids under which it was charged: one, unless the rule of derived ids is off. */
  readonly ids: Set<string>
  readonly gateways: Set<number>
  /** Processes of gateways that sent its charge, each by a connection of its own. */
  readonly connections: Set<string>
  /** The work ran to its end, and its price is known. */
  finished: boolean
  /** Its gateway died before that. */
  died: boolean
  /** The finished work's outbox entry was lost with a disk. */
  outboxLost: boolean
  heard: 'nothing' | 'accepted' | 'refused'
  /** The most that was sent as accrued, and the most that a live hold has recorded. */
  accruedSent: number
  accruedRecorded: number
  releaseAnswered: boolean
  epoch: number
  /** Whether it may run on a tab, and the tab on which it does. */
  readonly inCompany: boolean
  tab: string
  /** What its hold or its part of a tab was granted, and whether that cannot pay for it any more. */
  held: number
  uncovered: boolean
}

/** A run that waits for credits. */
export interface Parked {
  readonly accountId: string
  readonly need: number
  readonly name: string
  woken: boolean
  over: boolean
}

/** What the auditor holds the books against. */
export interface Truth {
  readonly works: Work[]
  readonly parked: Parked[]
  readonly tabs: Name[]
  /** Kept money granted to each account, and each period's own. */
  readonly kept: Map<string, number>
  /** Faults that excuse something. */
  rolledBack: boolean
  lost: boolean
  journalRestored: boolean
  clocksJumped: boolean
  /** Accounts into whose journal a receipt of an ended life came late: a drainer that outlived it. */
  readonly stragglers: Set<string>
  /** Sum of upward corrections by account, and how many there were at all. */
  readonly correctedUp: Map<string, number>
  /** What rollbacks took out of each account's books: it may be spent again until the check. */
  readonly undone: Map<string, number>
  /** `account period` → the most that a closed period which came back had spent beyond its archive when terms came: it may be spent again, too. */
  readonly uncounted: Map<string, number>
  corrections: number
  pages: number
  repairs: number
  quarantined: number
  pushes: number
}
