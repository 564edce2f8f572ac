import { Cluster, type Redis } from 'ioredis'
import type { AccountFigures } from '../credits/balance.ts'
import type { ChargeId } from '../credits/charge-id.ts'
import type { FoundCharge } from '../credits/found-charge.ts'
import type { Micro } from '../credits/money.ts'
import type { Receipt, ReceiptDetail } from '../credits/receipt.ts'
import type { AccountCard, Level, Terms } from '../credits/terms.ts'
import type { SessionFacts } from '../credits/session/facts.ts'
import type { EndReason } from '../credits/session/session.ts'
import type { Quantities, RowKey, RowTotals, UsageRow } from '../credits/usage-row.ts'
import { ackReceipts } from './ack-receipts.ts'
import { ackRows } from './ack-rows.ts'
import { charge } from './charge.ts'
import { closeEpoch } from './close-epoch.ts'
import type { LedgerContext } from './context.ts'
import { correct } from './correct.ts'
import { duringMigration } from './during-migration.ts'
import { evict } from './evict.ts'
import { expire } from './expire.ts'
import { extend } from './extend.ts'
import { holdBack } from './hold-back.ts'
import { hydrate } from './hydrate.ts'
import { identity } from './identity.ts'
import { inspect } from './inspect.ts'
import { lock } from './lock.ts'
import { measure } from './measure.ts'
import { noteChecked } from './note-checked.ts'
import { openSessions } from './open-sessions.ts'
import { popWaiters } from './pop-waiters.ts'
import { pending } from './pending.ts'
import { putTerms } from './put-terms.ts'
import { read } from './read.ts'
import { readSessions } from './read-sessions.ts'
import { receipts } from './receipts.ts'
import { release } from './release.ts'
import { repair } from './repair.ts'
import { reserve } from './reserve.ts'
import { type ScriptSettings, registerScripts } from './scripts.ts'
import { session } from './session.ts'
import { settle } from './settle.ts'
import { settleTogether } from './settle-together.ts'
import { type SettlingOptions, createSettling } from './settling.ts'
import { snapshot } from './snapshot.ts'
import { stopWaiting } from './stop-waiting.ts'
import { unchecked } from './unchecked.ts'
import { unlock } from './unlock.ts'
import { wait } from './wait.ts'

export type { AccountFigures } from '../credits/balance.ts'
export type { FoundCharge } from '../credits/found-charge.ts'
export { LedgerUnavailable } from './unavailable.ts'

export interface LedgerOptions {
  /** `remaining` below this is depleted, µcr: the catalogue's policy. */
  readonly depletedBelow: Micro
  /** Most that an account may spend before the journal has it, µcr; null = no cap. */
  readonly exposureCap?: Micro | null | undefined
  /** How long a settled id is remembered once its receipt is in the journal. Default 10 min. */
  readonly tombstoneMs?: number | undefined
  /** How far clocks may differ. Default 60 s; less than `tombstoneMs / 2`. */
  readonly slackMs?: number | undefined
  /** How long the held credits of a lost ledger wait for their calls: two lease times. Default 2 min. */
  readonly quarantineMs?: number | undefined
  /** Lua source of `nowMs`, Redis' own time unless a test brings a clock. */
  readonly clock?: string | undefined
  /** Lets a replica confirm settlements wherever there is one; without this nothing is confirmed. */
  readonly settling?: SettlingOptions | undefined
}

/** The ledger on one Redis or on a Cluster. One connection carries many calls in flight; `connectRedis` opens one that fails fast. */
export function createLedger(redis: Redis | Cluster, options: LedgerOptions): Ledger {
  const settings: ScriptSettings = {
    depletedBelow: options.depletedBelow,
    exposureCap: options.exposureCap ?? null,
    tombstoneMs: options.tombstoneMs ?? 600_000,
    slackMs: options.slackMs ?? 60_000,
    clock: options.clock,
  }
  const plain = holdBack(registerScripts(redis, settings))
  const run = redis instanceof Cluster ? duringMigration(plain) : plain
  const settling =
    options.settling === undefined
      ? undefined
      : createSettling(redis, run, (connection) => registerScripts(connection, settings), options.settling)
  const context: LedgerContext = {
    run: settling?.run ?? run,
    quarantineMs: options.quarantineMs ?? 120_000,
    // More would hold up model calls for more than a millisecond when every shard has a backlog
    shardsPerCall: redis instanceof Cluster ? 1 : 16,
  }
  return {
    putTerms: (accountId, terms) => putTerms(context, accountId, terms),
    reserve: (request, evidence) => reserve(context, request, evidence),
    extend: (request) => extend(context, request),
    settle: (request, evidence) => settle(context, request, evidence),
    settleTogether: (request) => settleTogether(context, request),
    charge: (request, evidence) => charge(context, request, evidence),
    release: (name, evidence) => release(context, name, evidence),
    expire: (name) => expire(context, name),
    read: (accountId) => read(context, accountId),
    inspect: (accountId) => inspect(context, accountId),
    snapshot: (accountId) => snapshot(context, accountId),
    lock: (accountId, token, ttlMs) => lock(context, accountId, token, ttlMs),
    unlock: (accountId, token) => unlock(context, accountId, token),
    hydrate: (hydration) => hydrate(context, hydration),
    ackRows: (accountId, lineage, seq) => ackRows(context, accountId, lineage, seq),
    closeEpoch: (accountId, lineage, epoch, archivedN) => closeEpoch(context, accountId, lineage, epoch, archivedN),
    repair: (accountId, lives) => repair(context, accountId, lives),
    correct: (correction) => correct(context, correction),
    evict: (accountId, taken) => evict(context, accountId, taken),
    unchecked: (shards, limits) => unchecked(context, shards, limits),
    noteChecked: (accountId) => noteChecked(context, accountId),
    measure: (request) => measure(context, request),
    wait: (request) => wait(context, request),
    popWaiters: (accountId, most) => popWaiters(context, accountId, most),
    stopWaiting: (accountId, waiter) => stopWaiting(context, accountId, waiter),
    session: (request) => session(context, request),
    readSessions: (names) => readSessions(context, names),
    openSessions: (accountId) => openSessions(context, accountId),
    identity: () => identity(redis),
    receipts: (shard, count) => receipts(redis, shard, count),
    ackReceipts: (shard, entries) => ackReceipts(context, shard, entries),
    pending: (shards, limits) => pending(context, shards, limits),
    close: async () => {
      settling?.close()
      await redis.quit()
    },
  }
}

/**
 * Redis, and nothing but Redis. Every operation is one atomic script and may be repeated; each answers with a word.
 * Rejects with LedgerUnavailable when Redis does not answer: then nothing is known, and the caller fails closed.
 */
export interface Ledger {
  putTerms(accountId: string, terms: Terms): Promise<PutTermsAnswer>
  reserve(request: ReserveRequest, evidence?: Evidence): Promise<ReserveAnswer>
  extend(request: ExtendRequest): Promise<ExtendAnswer>
  settle(request: SettleRequest, evidence?: Evidence): Promise<SettleAnswer>
  /** Settles calls that ran under one hold, which pays for them. A call that is answered `alone` is settled by `settle`, and so are all when the hold is not found. */
  settleTogether(request: SettleTogetherRequest): Promise<SettleTogetherAnswer>
  charge(request: ChargeRequest, evidence?: Evidence): Promise<ChargeAnswer>
  release(name: HoldName, evidence?: Evidence): Promise<ReleaseAnswer>
  expire(name: HoldName): Promise<ExpireAnswer>
  /** No writes. */
  read(accountId: string): Promise<({ readonly status: 'loaded' } & AccountReading) | NotLoaded>
  /** All that `snapshot` reads, without a trace: who only looks must not put off who reports. No writes. */
  inspect(accountId: string): Promise<({ readonly status: 'loaded' } & AccountSnapshot) | NotLoaded>
  /** Reads all that reconciliation sends. The account stays dirty until `ackRows` of this seq: a reconciler may die in between. */
  snapshot(accountId: string): Promise<({ readonly status: 'loaded' } & AccountSnapshot) | NotLoaded>
  /** true if the lock is held under `token` now. */
  lock(accountId: string, token: string, ttlMs: number): Promise<boolean>
  /** Gives the lock back if it is still held under `token`. */
  unlock(accountId: string, token: string): Promise<void>
  hydrate(hydration: Hydration): Promise<HydrateAnswer>
  /** The workflow has taken the rows of this seq. Other lineage: ignored. */
  ackRows(accountId: string, lineage: number, seq: number): Promise<void>
  /** Lets a settled earlier epoch leave Redis; `open` while anything of it moves. */
  closeEpoch(accountId: string, lineage: number, epoch: number, archivedN?: number): Promise<CloseEpochAnswer>

  /** Begins another life of an account that Redis still holds, after a rollback or fork: only if it is in the life `from` now. Holds stay; all rows are to be sent again. */
  repair(accountId: string, lives: { readonly from: number; readonly to: number }): Promise<RepairAnswer>
  /** Adds what the journal has and the ledger does not, or takes back what it has too much. No receipt. Nothing changes unless the account is as it was when the difference was read. */
  correct(correction: Correction): Promise<CorrectAnswer>
  /** An idle account leaves Redis. Only if nobody touched it since `version` was read, nothing is under way, in quarantine or of an earlier period, and journal and workflow have everything. */
  evict(accountId: string, read: { readonly lineage: number; readonly version: number }): Promise<EvictAnswer>
  /** Loaded accounts of these shards that were not checked for `olderThanMs` (Redis time; 0 = all), longest ago first, at most `perShard` each. */
  unchecked(shards: readonly number[], limits: UncheckedLimits): Promise<readonly string[]>
  /** Puts an account at the end of that queue. */
  noteChecked(accountId: string): Promise<void>
  /** For how long a meter has run. Idempotent but for the time that passes: state based, any worker may call it. */
  measure(request: MeasureRequest): Promise<Measurement>
  /** A run that was refused registers to be woken. `ready`: there is enough by now, and it does not wait. */
  wait(request: WaitRequest): Promise<WaitAnswer>
  /** Those who may go on, oldest first, as many as what is available feeds. They are told once: who does not hear of it registers again. */
  popWaiters(accountId: string, most: number): Promise<PopAnswer>
  /** A run that goes on, or ended, without being woken. */
  stopWaiting(accountId: string, waiter: string): Promise<void>
  /** The signs of life of a call or meeting: state based, so any supervisor may repeat all of it. */
  session(request: SessionRequest): Promise<SessionReading>
  /** Many of them in a few calls. Those whose master of a Cluster is away are left out. No writes. */
  readSessions<Name extends SessionName>(names: readonly Name[]): Promise<ReadonlyMap<Name, SessionReading>>
  /** The ids of an account's sessions that have not ended. No writes. */
  openSessions(accountId: string): Promise<readonly string[]>
  /** Changes whenever a Redis was restarted, replaced or promoted: what it holds may have gone back in time. On a Cluster, of all masters together. */
  identity(): Promise<string>

  /** The head of a shard's receipt stream. */
  receipts(shard: number, count: number): Promise<readonly StreamedReceipt[]>
  /** Trims them and marks them drained, only if the head of the stream still is exactly these. */
  ackReceipts(shard: number, entries: readonly StreamedReceipt[]): Promise<'acked' | 'head_moved'>
  /** For all shards at once: how many receipts wait, which accounts are dirty, which holds are past their deadline. Shards whose master of a Cluster is away are left out. */
  pending(shards: readonly number[], limits: PendingLimits): Promise<readonly ShardPending[]>
  close(): Promise<void>
}

/** What the journal says of an id that Redis does not know, and when it was asked: protocol.md section 2. */
export interface Evidence {
  readonly lineage: number
  /** The `nowMs` of the `ask_journal` answer that led to the look-up. */
  readonly nowMs: number
  readonly found: FoundCharge | null
}

export interface AccountReading extends AccountFigures {
  readonly lineage: number
  /** Counts every change of the account: what a feed compares. */
  readonly version: number
  readonly termsVersion: number
  readonly card: AccountCard
  readonly nowMs: number
}

export interface EpochRows {
  readonly epoch: number
  readonly rows: Readonly<Record<RowKey, RowTotals>>
}

export interface BudgetFigures {
  readonly level: Level
  readonly window: string
  readonly spent: Micro
  readonly held: Micro
}

export interface AccountSnapshot extends AccountReading {
  readonly seq: number
  readonly n: number
  readonly drained: number
  readonly acked: number
  readonly corrections: number
  /** The lineage of its hydrate: receipts of this life and of its repairs count into `n`. */
  readonly bornIn: number
  readonly epochs: readonly EpochRows[]
  readonly budgets: readonly BudgetFigures[]
}

export interface ReserveRequest {
  readonly accountId: string
  readonly id: ChargeId
  /** Wanted; what is granted lies between `minimum` and this. */
  readonly amount: Micro
  readonly minimum: Micro
  readonly ttlMs: number
  /** Booked here if the lease runs out before a settle. */
  readonly row: UsageRow
  /** Budget levels that it counts in; those without a limit count all the same. */
  readonly levels: readonly Level[]
  /** So much must stay free, of the balance and under every limit, or nothing is granted: for holds that are opened ahead of work. Default 0. */
  readonly beside?: Micro | undefined
}

/** Where a call began, as `reserve` answered it. */
export interface Began {
  readonly epoch: number
  /** `level|window` of each budget that it counts in. */
  readonly windows: readonly string[]
}

export interface SettleRequest {
  readonly accountId: string
  readonly id: ChargeId
  /** What the work cost in all; zero is the release that leaves a receipt. */
  readonly actual: Micro
  readonly row: UsageRow
  readonly quantities: Quantities
  readonly levels: readonly Level[]
  readonly detail: ReceiptDetail
  /** What an outbox kept: a call whose hold was lost with its ledger is booked in its own period. Without it, in the current one. */
  readonly began?: Began | undefined
}

export interface SettleTogetherRequest {
  readonly accountId: string
  /** The hold that pays; each call's windows and period are the hold's. */
  readonly hold: ChargeId
  /** What the hold keeps for calls that are still under way, all that it has when undefined. The rest is given back; with zero the hold ends. */
  readonly keeps?: Micro | undefined
  readonly calls: readonly SharedCall[]
}

/** A call that had a part of a hold. */
export interface SharedCall extends Pick<SettleRequest, 'id' | 'actual' | 'row' | 'quantities' | 'detail'> {
  /** What it was given of the hold; more than it is taken from what is available. */
  readonly part: Micro
}

export interface ChargeRequest extends SettleRequest {
  /** It was accepted before and then lost: never refused again, the shortfall is uncollected. */
  readonly accepted: boolean
}

export interface HoldName {
  readonly accountId: string
  readonly id: ChargeId
}

export interface ExtendRequest extends HoldName {
  /** What the work has cost so far, cumulative; only grows. */
  readonly accrued: Micro
  /** Wanted on top of what is held; 0 only records progress and renews the deadline. */
  readonly more: Micro
  readonly ttlMs: number
}

export type AskJournal = { readonly status: 'ask_journal'; readonly lineage: number; readonly nowMs: number }
export type NotLoaded = { readonly status: 'account_not_loaded' }
export type Denied =
  | { readonly status: 'credits_depleted' }
  | { readonly status: 'insufficient_credits'; readonly available: Micro }
  | { readonly status: 'budget_exhausted'; readonly level: Level; readonly left: Micro }

export type ReserveAnswer =
  | ({ readonly status: 'created' | 'exists'; readonly held: Micro } & Began)
  | { readonly status: 'exists_with_different_amount'; readonly held: Micro }
  /** The id was settled, released or has expired: its work is over. */
  | { readonly status: 'already_charged'; readonly charged: Micro }
  | { readonly status: 'backlogged' }
  | Denied
  | NotLoaded
  | AskJournal

/** `held` is what the lease holds after the call, also when more was refused. */
export type ExtendAnswer =
  | { readonly status: 'extended'; readonly held: Micro }
  | (Denied & { readonly held: Micro })
  | { readonly status: 'hold_not_found' }
  | NotLoaded

export interface Settled {
  readonly status: 'settled' | 'exists'
  readonly charged: Micro
  readonly uncollected: Micro
  readonly epoch: number
}
export type SettleTogetherAnswer =
  | { readonly status: 'settled'; readonly calls: readonly (Settled | { readonly status: 'alone' })[] }
  | { readonly status: 'hold_not_found' }
  | NotLoaded
export type PutTermsAnswer = { readonly status: 'put' | 'older' } | NotLoaded
export type HydrateAnswer = { readonly status: 'hydrated' | 'present' | 'lock_lost' }
export type CloseEpochAnswer = { readonly status: 'closed' | 'open' | 'absent' } | NotLoaded
export type RepairAnswer =
  /** `exists`: it is in the life `to` already. */
  | { readonly status: 'repaired' | 'exists' }
  | { readonly status: 'other_lineage'; readonly lineage: number }
  | NotLoaded
/** `changed`: lineage, corrections or seq no longer fit; the difference is to be read again. */
export type CorrectAnswer = { readonly status: 'corrected' | 'changed' } | NotLoaded
export type EvictAnswer = { readonly status: 'evicted' | 'in_use' } | NotLoaded
export type SettleAnswer = Settled | NotLoaded | AskJournal
export type ChargeAnswer =
  | Settled
  | { readonly status: 'exists_with_different_amount'; readonly charged: Micro }
  | { readonly status: 'backlogged' }
  | Denied
  | NotLoaded
  | AskJournal
export type ReleaseAnswer = { readonly status: 'released' | 'exists' } | NotLoaded | AskJournal
export type ExpireAnswer =
  | { readonly status: 'expired'; readonly charged: Micro }
  | { readonly status: 'not_due' | 'hold_not_found' }
  | NotLoaded

export interface Hydration {
  readonly accountId: string
  /** Of the lock: a hydrate whose lock was lost writes nothing. */
  readonly token: string
  readonly lineage: number
  readonly terms: Terms
  /** From the journal alone, current and open earlier epochs. */
  readonly epochs: readonly EpochRows[]
  readonly budgets: readonly { readonly level: Level; readonly window: string; readonly spent: number }[]
  /** Last known held credits of the life that was lost: kept in quarantine. */
  readonly held: Micro
  /** The latest birth among the ids that the journal has of this account, 0 without any: an id as young may have been charged already. */
  readonly newestBirthMs: number
  /** The journal's own clock, ms since epoch: it tells a birth that is ahead of Redis from one that is absurd. */
  readonly journalNowMs: number
}

/** A difference between journal and ledger, and the snapshot with which it was read. */
export interface Correction {
  readonly accountId: string
  readonly lineage: number
  readonly corrections: number
  /** The account must not be behind it. */
  readonly seq: number
  /** What to add to rows; of an epoch that Redis does not hold: skipped. */
  readonly rows: readonly { readonly epoch: number; readonly row: RowKey; readonly add: RowDifference }[]
  /** What to add to the spent of budget windows, which never falls below zero; one that is neither held by Redis nor open now is skipped. */
  readonly windows: readonly { readonly level: Level; readonly window: string; readonly add: number }[]
}

/** Each may be negative. */
export interface RowDifference extends Quantities {
  readonly charged: number
  readonly uncollected: number
}

export interface WaitRequest {
  readonly accountId: string
  /** Names the run to whoever wakes it; not empty. */
  readonly waiter: string
  /** What it wants to reserve at least. */
  readonly need: Micro
}
/** `held`: there is enough, but other work holds it; nobody is woken when that gives it back. */
export type WaitAnswer =
  | { readonly status: 'ready'; readonly available: Micro }
  | { readonly status: 'waiting' | 'held' }
  | NotLoaded
export type PopAnswer = { readonly status: 'popped'; readonly waiters: readonly string[] } | NotLoaded

/** A look at a meter of an account: the union of leases that several workers hold. */
export interface MeasureRequest {
  readonly accountId: string
  /** 1–64 characters from [A-Za-z0-9_-], as the lease. */
  readonly meter: string
  readonly lease: string
  /**
   * `run` begins the lease or renews it, `stop` ends it, `drop` takes it back since nothing ran under it, `close` ends the segment unless something runs.
   */
  readonly act: 'run' | 'stop' | 'drop' | 'close'
  readonly leaseMs: number
  /** A segment that is older has ended; what runs goes on in the next. */
  readonly longestMs: number
  /** A meter that nobody looked at for so long is forgotten, with segments that nobody has settled: their holds have expired by then. */
  readonly keptMs: number
  /** Of `run` and `stop`: for how long the work has been under way, or was, that the ledger had not heard of. No more than a lease counts. */
  readonly untoldMs: number
  /** Of `stop`: how long ago that was. */
  readonly stoppedAgoMs: number
  /** Ended segments whose settlement cannot be lost any more: they are not told again. */
  readonly safe: readonly Pick<MeterSegment, 'number' | 'bornMs'>[]
}

export interface MeterSegment {
  /** From 1, per meter; begins anew when the meter was forgotten, with another birth. */
  readonly number: number
  /** Redis time at which it began. */
  readonly bornMs: number
  /** For how long at least one lease was held. */
  readonly ms: number
}

export interface Measurement {
  readonly nowMs: number
  /** How many are held now. */
  readonly leases: number
  /** null when nothing runs and nothing ran a moment ago. */
  readonly open: MeterSegment | null
  readonly ended: readonly MeterSegment[]
}

export interface SessionName {
  readonly accountId: string
  /** 1–64 characters from [A-Za-z0-9_-]. */
  readonly sessionId: string
}

export type SessionRequest = SessionName &
  (
    | {
        /** Once: what is there stays. */
        readonly act: 'begin'
        readonly facts: SessionFacts
        /** What is known of a session that the ledger has lost; without them now. */
        readonly startedAtMs?: number
        readonly aliveAtMs?: number
      }
    | { readonly act: 'note'; readonly facts: SessionFacts }
    | { readonly act: 'alive' | 'read' | 'forget' }
    | {
        /** A sign of life from inside. A session whose facts say that it `waits` begins with the first one; one that ends before has lasted nothing. */
        readonly act: 'admit'
        /** What is known of one that the ledger has forgotten; without it now. */
        readonly startedAtMs?: number
      }
    | {
        /** Once: the first end counts. */
        readonly act: 'end'
        readonly reason: EndReason
        /** Never later than now; without it now. */
        readonly latestMs?: number
        /** It goes on if there was a sign of life after this. */
        readonly unlessAliveAfterMs?: number
      }
    | { readonly act: 'warn'; readonly secondsLeft: number | null }
  )

export interface SessionReading {
  readonly nowMs: number
  /** null: there is none. It may have been lost, or be over for a day. */
  readonly record: SessionRecord | null
}

export type SessionRecord = {
  /** Of one that waits to be let in: when it began to wait. */
  readonly startedAtMs: number
  readonly aliveAtMs: number
  /** What of it can still be paid for, while a warning stands. */
  readonly secondsLeft: number | null
  readonly facts: SessionFacts
  /** At the door: it costs nothing yet. */
  readonly isWaiting: boolean
} & (
  | { readonly endedAtMs: null; readonly endReason: null }
  | { readonly endedAtMs: number; readonly endReason: EndReason }
)

export interface UncheckedLimits {
  readonly olderThanMs: number
  readonly perShard: number
}

/** One stream entry: its stream id and the receipt. */
export interface StreamedReceipt {
  readonly entryId: string
  readonly receipt: Receipt
}

export interface PendingLimits {
  readonly dirtyOlderThanMs: number
  readonly perShard: number
}

export interface ShardPending {
  readonly shard: number
  /** Redis time: a sweeper whose own clock differs by more than 5 s halts. */
  readonly nowMs: number
  readonly receipts: number
  readonly dirty: readonly string[]
  readonly due: readonly HoldName[]
  /** Accounts with parked runs whose terms have changed. */
  readonly wakeable: readonly string[]
}
