import type { Redis } from 'ioredis'
import { pairsOf } from './account-hash.ts'
import { type RedisFacts, redisFacts } from './redis-facts.ts'
import { RedisUnfit } from './redis-unfit.ts'
import { asLedgerFailure } from './unavailable.ts'

/** A setting of a server by which credits can be lost, and what to do about it: for the operator's log. */
export interface RedisWarning {
  /** `host:port` */
  readonly node: string
  readonly setting: string
  readonly advice: string
}

const oldestMajor = 7
const settings = ['maxmemory-policy', 'appendonly', 'save', 'min-replicas-to-write', 'cluster-require-full-coverage']

/**
 * Looks at how one server keeps what it is given. Throws RedisUnfit for a Redis that lacks what scripts need (7.0); everything else only
 * warns, since a ledger that was lost comes back from the journal. Rejects with LedgerUnavailable.
 */
export async function checkRedis(server: Redis): Promise<readonly RedisWarning[]> {
  const node = `${server.options.host}:${server.options.port}`
  const facts = await redisFacts(server).catch((error: unknown) => {
    throw asLedgerFailure(error)
  })
  requireVersion(facts, node)
  const configured = await readSettings(server)
  const warnings = configured === null ? judgeByFacts(facts) : judge(facts, configured)
  return warnings.map(([setting, advice]) => ({ node, setting, advice }))
}

type Judgement = readonly [setting: string, advice: string]

function requireVersion(facts: RedisFacts, node: string): void {
  const version = facts.get('redis_version') ?? 'of an unknown version'
  if (!(Number.parseInt(version, 10) >= oldestMajor))
    throw new RedisUnfit(`the Redis at ${node} is ${version}, and the ledger needs ${oldestMajor}.0 or newer`)
}

/** null: the server does not let us ask, as managed ones do. */
async function readSettings(server: Redis): Promise<ReadonlyMap<string, string> | null> {
  try {
    return pairsOf(await server.call('CONFIG', 'GET', ...settings))
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return null
    throw asLedgerFailure(error)
  }
}

function judge(facts: RedisFacts, configured: ReadonlyMap<string, string>): readonly Judgement[] {
  const found: Judgement[] = [...policy(configured.get('maxmemory-policy'))]
  if (configured.get('appendonly') === 'no') {
    found.push(
      (configured.get('save') ?? '') === ''
        ? ['appendonly', 'it keeps nothing on disk: whatever ends it loses every open hold. Set appendonly yes']
        : [
            'appendonly',
            'it keeps snapshots only: after a restart charges since the last one are missing for a while. Set appendonly yes',
          ],
    )
  }
  if (Number(facts.get('connected_slaves')) > 0 && configured.get('min-replicas-to-write') === '0')
    found.push([
      'min-replicas-to-write',
      'it has a replica, but goes on alone when it is cut off, and what it then takes is lost with the failover. Set min-replicas-to-write 1 and min-replicas-max-lag 10',
    ])
  if (facts.get('cluster_enabled') === '1' && configured.get('cluster-require-full-coverage') === 'yes')
    found.push([
      'cluster-require-full-coverage',
      'while one master is away all accounts are refused, not only its own. Set cluster-require-full-coverage no',
    ])
  return found
}

/** INFO tells the two that matter most. */
function judgeByFacts(facts: RedisFacts): readonly Judgement[] {
  const found: Judgement[] = [...policy(facts.get('maxmemory_policy'))]
  if (facts.get('aof_enabled') === '0')
    found.push([
      'appendonly',
      'it keeps no append-only file: a restart loses charges for a while. Switch its persistence on',
    ])
  found.push([
    'config',
    'it does not let CONFIG GET be asked, so its save points, min-replicas-to-write and cluster-require-full-coverage could not be checked',
  ])
  return found
}

function policy(value: string | undefined): readonly Judgement[] {
  if (value === 'noeviction') return []
  return [
    [
      'maxmemory-policy',
      `it is ${value ?? 'unknown'}: a full memory may throw away holds, balances and the record of what was charged. Set maxmemory-policy noeviction`,
    ],
  ]
}
