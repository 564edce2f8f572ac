import type { LedgerContext } from './context.ts'
import { eachShard } from './each-shard.ts'
import { shardOf } from './keys.ts'
import type { SessionName, SessionReading } from './ledger.ts'
import { asReply, integerOf } from './replies.ts'
import { parseRecord, sessionKeys } from './session.ts'

/** So many keys at most in one script: some hundred µs of Redis. */
const mostKeys = 100

/** Many sessions in a few calls. Those on a master of a Cluster that is away are left out; rejects with LedgerUnavailable when none answers. */
export async function readSessions<Name extends SessionName>(
  context: LedgerContext,
  names: readonly Name[],
): Promise<ReadonlyMap<Name, SessionReading>> {
  const groups = await eachShard(groupsOf(names, context.shardsPerCall), async (group) => {
    const keys = group.map((name) => sessionKeys(name).session)
    const [now, ...records] = asReply(await context.run('read-sessions', keys, []))
    const nowMs = integerOf(now)
    return group.map((name, at) => [name, { nowMs, record: parseRecord(asReply(records[at])) }] as const)
  })
  return new Map(groups.flat())
}

/** Of neighbouring shards where one call may look at several: on a Cluster each lies in a slot of its own. */
function groupsOf<Name extends SessionName>(names: readonly Name[], shardsPerCall: number): readonly Name[][] {
  const byShards = new Map<number, Name[]>()
  for (const name of names) {
    const place = Math.floor(shardOf(name.accountId) / shardsPerCall)
    const group = byShards.get(place)
    if (group === undefined) byShards.set(place, [name])
    else group.push(name)
  }
  return [...byShards.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / mostKeys) }, (_, at) =>
      group.slice(at * mostKeys, (at + 1) * mostKeys),
    ),
  )
}
