import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { linkScript } from './link-script.ts'
import { asLedgerFailure } from './unavailable.ts'
import { writeTogether } from './write-together.ts'

/**
 * The operations, and what Redis must know of their scripts. With a shebang a script is refused as a whole when memory is full, before its first
 * write; `allow-oom` lets those through that settle, free or record: they must work when nothing new may start.
 */
const operations = {
  reserve: '',
  extend: '',
  settle: 'allow-oom',
  charge: '',
  release: 'allow-oom',
  expire: 'allow-oom',
  'put-terms': 'allow-oom',
  hydrate: '',
  lock: '',
  unlock: 'allow-oom',
  read: 'no-writes',
  inspect: 'no-writes',
  snapshot: 'allow-oom',
  'ack-rows': 'allow-oom',
  'close-epoch': 'allow-oom',
  repair: 'allow-oom',
  correct: 'allow-oom',
  evict: 'allow-oom',
  unchecked: 'no-writes',
  'note-checked': 'allow-oom',
  'ack-receipts': 'allow-oom',
  pending: 'allow-oom',
  measure: 'allow-oom',
  wait: 'allow-oom',
  'pop-waiters': 'allow-oom',
  'stop-waiting': 'allow-oom',
  session: 'allow-oom',
  'read-sessions': 'no-writes',
  'open-sessions': 'no-writes',
} as const satisfies Record<string, '' | 'allow-oom' | 'no-writes'>

/** What is the same in every call of one ledger stands in the scripts as constants: nothing to send, nothing to parse. */
export interface ScriptSettings {
  readonly depletedBelow: number
  /** null when there is no cap. */
  readonly exposureCap: number | null
  readonly tombstoneMs: number
  readonly slackMs: number
  /** Lua source of `nowMs` instead of Redis' own time (tests). */
  readonly clock?: string | undefined
}

/** What the scripts share: each may use what stands in those before it. */
const sharedParts = ['numbers', 'account', 'holds', 'ids', 'budgets', 'booking', 'terms'] as const

export type Operation = keyof typeof operations
export const operationNames = Object.keys(operations) as readonly Operation[]

/** Runs one script. Rejects with LedgerUnavailable when Redis does not answer; a script's own error is a bug and comes through as it is. */
export type RunScript = (
  operation: Operation,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>

type Command = (...args: (string | number)[]) => Promise<unknown>

/** Registers the scripts on a connection, which reloads them when Redis has forgotten. Throws RangeError for settings that are no whole numbers. */
export function registerScripts(redis: Redis | Cluster, settings: ScriptSettings): RunScript {
  const shared = [settings.clock ?? source('now'), constants(settings), ...sharedParts.map(source)].join('\n')
  const commands = new Map<Operation, Command>()
  for (const operation of operationNames) {
    const lua = scriptOf(operation, shared)
    // The name carries the content, so that two versions can serve side by side during a deploy
    const name = `tollgate_${operation.replace('-', '_')}_${createHash('sha1').update(lua).digest('hex').slice(0, 10)}`
    redis.defineCommand(name, { lua })
    commands.set(operation, (Reflect.get(redis, name) as Command).bind(redis))
  }
  return async (operation, keys, args) => {
    writeTogether(redis)
    try {
      return await commands.get(operation)!(keys.length, ...keys, ...args)
    } catch (error) {
      throw asLedgerFailure(error)
    }
  }
}

function scriptOf(operation: Operation, shared: string): string {
  const flags = operations[operation]
  return linkScript(flags === '' ? '#!lua' : `#!lua flags=${flags}`, shared, source(operation))
}

function constants({ depletedBelow, exposureCap, tombstoneMs, slackMs }: ScriptSettings): string {
  const values = [depletedBelow, exposureCap ?? 0, tombstoneMs, slackMs]
  if (!values.every((value) => Number.isSafeInteger(value) && value >= 0))
    throw new RangeError(`not settings of a ledger: ${values.join(', ')}`)
  return `local depletedBelow, exposureCap, tombstoneMs, slackMs = ${depletedBelow}, ${exposureCap ?? 'nil'}, ${tombstoneMs}, ${slackMs}`
}

function source(name: string): string {
  return readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
}
