import { Cluster, type Redis } from 'ioredis'
import { parseFacts } from './redis-facts.ts'
import { LedgerUnavailable, asLedgerFailure } from './unavailable.ts'

/**
 * Names the life of the Redis that answers, or of all masters of a Cluster together: another name after every restart, replacement or
 * promotion, when what it holds may have gone back in time. A new name may also mean nothing (a master of a Cluster is out of reach for a moment), so
 * act on it only by checking.
 */
export async function identity(redis: Redis | Cluster): Promise<string> {
  const masters = redis instanceof Cluster ? redis.nodes('master') : [redis]
  if (masters.length === 0) throw new LedgerUnavailable('the ledger does not answer: no master is known')
  try {
    const lives = await Promise.all(masters.map(async (master) => lifeOf(await master.info('server', 'replication'))))
    return lives.toSorted().join(' ')
  } catch (error) {
    throw asLedgerFailure(error)
  }
}

/** The run id is that of a process. A process that was a replica for a while has kept it, and has a new replication id. */
function lifeOf(info: string): string {
  const facts = parseFacts(info)
  const [run, replication] = [facts.get('run_id'), facts.get('master_replid')]
  if (run === undefined || replication === undefined) throw new TypeError('Redis does not tell who it is')
  return `${run}/${replication}`
}
