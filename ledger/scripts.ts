import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { asLedgerFailure } from './unavailable.ts'

/**
 * The operations: what their scripts include, and what Redis must know of them. With a shebang a script is refused as a whole when memory is
 * full, before its first write; `allow-oom` lets those through that settle, free or record: they must work when nothing new may start.
 */
const operations = {
  reserve: { includes: [], flags: '' },
  extend: { includes: [], flags: '' },
  settle: { includes: ['booking'], flags: 'allow-oom' },
  charge: { includes: ['booking'], flags: '' },
  release: { includes: [], flags: 'allow-oom' },
  expire: { includes: ['booking'], flags: 'allow-oom' },
  'put-terms': { includes: ['terms'], flags: 'allow-oom' },
  hydrate: { includes: ['terms'], flags: '' },
  lock: { includes: [], flags: '' },
  unlock: { includes: [], flags: 'allow-oom' },
  read: { includes: [], flags: 'no-writes' },
  inspect: { includes: [], flags: 'no-writes' },
  snapshot: { includes: [], flags: 'allow-oom' },
  'ack-rows': { includes: [], flags: 'allow-oom' },
  'close-epoch': { includes: [], flags: 'allow-oom' },
  repair: { includes: [], flags: 'allow-oom' },
  correct: { includes: [], flags: 'allow-oom' },
  evict: { includes: [], flags: 'allow-oom' },
  unchecked: { includes: [], flags: 'no-writes' },
  'note-checked': { includes: [], flags: 'allow-oom' },
  'ack-receipts': { includes: [], flags: 'allow-oom' },
  pending: { includes: [], flags: 'allow-oom' },
} as const satisfies Record<string, { includes: readonly string[]; flags: string }>

export type Operation = keyof typeof operations
export const operationNames = Object.keys(operations) as readonly Operation[]

/** Runs one script. Rejects with LedgerUnavailable when Redis does not answer; a script's own error is a bug and comes through as it is. */
export type RunScript = (
  operation: Operation,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>

type Command = (...args: (string | number)[]) => Promise<unknown>

/** Registers the scripts on a connection, which reloads them when Redis has forgotten. `clock` replaces the Lua function `nowMs` (tests). */
export function registerScripts(redis: Redis | Cluster, clock: string = source('now')): RunScript {
  const commands = new Map<Operation, Command>()
  for (const operation of operationNames) {
    const lua = scriptOf(operation, clock)
    // The name carries the content, so that two versions can serve side by side during a deploy
    const name = `tollgate_${operation.replace('-', '_')}_${createHash('sha1').update(lua).digest('hex').slice(0, 10)}`
    redis.defineCommand(name, { lua })
    commands.set(operation, (Reflect.get(redis, name) as Command).bind(redis))
  }
  return async (operation, keys, args) => {
    try {
      return await commands.get(operation)!(keys.length, ...keys, ...args)
    } catch (error) {
      throw asLedgerFailure(error)
    }
  }
}

function scriptOf(operation: Operation, clock: string): string {
  const { includes, flags } = operations[operation]
  const shebang = flags === '' ? '#!lua' : `#!lua flags=${flags}`
  return [shebang, clock, source('prelude'), ...includes.map(source), source(operation)].join('\n')
}

function source(name: string): string {
  return readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
}
