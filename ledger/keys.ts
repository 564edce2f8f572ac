import { createHash } from 'node:crypto'
import slotOf from 'cluster-key-slot'
import type { ChargeId } from '../credits/charge-id.ts'

/**
 * Every key of the ledger. All that one charge touches lies in one shard: its keys share the tag `{sN}`, so that one script changes them
 * atomically on one Redis or on a Cluster. Fixed tags instead of one per account: one stream and one deadline set per shard can be drained.
 *
 * | key | type | content |
 * | --- | --- | --- |
 * | `tg:{sN}:a:<account>` | hash | all of an account: figures, rows, limits and budget windows (account.lua, budgets.lua) |
 * | `tg:{sN}:h:<account>:<id>` | string | hold or tombstone (holds.lua) |
 * | `tg:{sN}:deadlines` | zset | `<id>\|<account>` → ms |
 * | `tg:{sN}:dirty` | zset | account → ms since when its rows wait to be reconciled; 0 = at once |
 * | `tg:{sN}:loaded` | zset | account → ms when it was last compared with the journal; 0 = never |
 * | `tg:{sN}:receipts` | stream | what the journal has not got yet |
 * | `tg:{sN}:clock` | string | the latest time seen, ms |
 * | `tg:{sN}:lock:<account>` | string | token of the one who hydrates |
 * | `tg:{sN}:w:<account>` | zset | parked run → ms since when it waits |
 * | `tg:{sN}:n:<account>` | hash | parked run → what it needs, µcr |
 * | `tg:{sN}:wakeable` | zset | account that may be able to feed parked runs → ms from when |
 * | `tg:{sN}:m:<account>:<meter>` | string | for how long a meter has run (measure.lua) |
 * | `tg:{sN}:session:<account>:<session>` | hash | the signs of life of a call or meeting (session.lua) |
 * | `tg:{sN}:sessions:<account>` | set | its sessions that have not ended |
 * | `tg:answer:<hash>` | hash | what a caller's idempotency key was answered |
 * | `tg:heard:<hash>` | string | a message of another system, which was heard |
 */
export const shardCount = 256
const slotCount = 16_384

/** For each shard the smallest number N whose tag `sN` falls into its slots: the shards spread evenly over a Cluster. */
const tags = spreadTags()

export function shardOf(accountId: string): number {
  return Math.floor(slotOf(accountId) / (slotCount / shardCount))
}

export interface ShardKeys {
  readonly deadlines: string
  readonly dirty: string
  readonly loaded: string
  readonly receipts: string
  readonly wakeable: string
  readonly clock: string
}

export interface AccountKeys extends ShardKeys {
  readonly account: string
  readonly lock: string
  readonly waiters: string
  readonly needs: string
  readonly hold: (id: ChargeId) => string
  readonly meter: (name: string) => string
  readonly session: (id: string) => string
  readonly openSessions: string
}

const shards: readonly ShardKeys[] = tags.map((tag) => ({
  deadlines: `tg:{${tag}}:deadlines`,
  dirty: `tg:{${tag}}:dirty`,
  loaded: `tg:{${tag}}:loaded`,
  receipts: `tg:{${tag}}:receipts`,
  wakeable: `tg:{${tag}}:wakeable`,
  clock: `tg:{${tag}}:clock`,
}))

/** Throws RangeError for a shard that does not exist. */
export function shardKeys(shard: number): ShardKeys {
  const keys = shards[shard]
  if (keys === undefined) throw new RangeError(`not a shard: ${shard}`)
  return keys
}

/** Throws RangeError for an empty account id. */
export function accountKeys(accountId: string): AccountKeys {
  if (accountId === '') throw new RangeError('an account id may not be empty')
  const shard = shardOf(accountId)
  const prefix = `tg:{${tags[shard]}}:`
  const { deadlines, dirty, loaded, receipts, wakeable, clock } = shardKeys(shard)
  return {
    account: `${prefix}a:${accountId}`,
    lock: `${prefix}lock:${accountId}`,
    waiters: `${prefix}w:${accountId}`,
    needs: `${prefix}n:${accountId}`,
    hold: (id) => `${prefix}h:${accountId}:${id}`,
    meter: (name) => `${prefix}m:${accountId}:${name}`,
    session: (id) => `${prefix}session:${accountId}:${id}`,
    openSessions: `${prefix}sessions:${accountId}`,
    deadlines,
    dirty,
    loaded,
    receipts,
    wakeable,
    clock,
  }
}

/** Touched alone, so any slot will do. A hash, since callers' idempotency keys may hold anything. */
export function answerKey(accountId: string, idempotencyKey: string): string {
  return `tg:answer:${createHash('sha256').update(`${accountId}\n${idempotencyKey}`).digest('base64url')}`
}

/** Touched alone as well. Who sends names its messages as it likes. */
export function heardKey(sender: string, messageId: string): string {
  return `tg:heard:${createHash('sha256').update(`${sender}\n${messageId}`).digest('base64url')}`
}

/** Member of the deadlines, as holds.lua spells it too: all that the sweeper needs to name the hold. A charge id holds no '|'. */
export function deadlineMember(accountId: string, id: ChargeId): string {
  return `${id}|${accountId}`
}

export function parseDeadlineMember(member: string): { readonly accountId: string; readonly id: ChargeId } {
  const bar = member.indexOf('|')
  if (bar < 0) throw new RangeError(`not a deadline member: ${member}`)
  return { id: member.slice(0, bar), accountId: member.slice(bar + 1) }
}

function spreadTags(): readonly string[] {
  const found: string[] = []
  let missing = shardCount
  for (let number = 0; missing > 0; number += 1) {
    const shard = shardOf(`s${number}`)
    if (found[shard] !== undefined) continue
    found[shard] = `s${number}`
    missing -= 1
  }
  return found
}
