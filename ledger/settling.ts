import slotOf from 'cluster-key-slot'
import { Cluster, type Redis } from 'ioredis'
import { connectionBeside } from './connect.ts'
import { parseFacts } from './redis-facts.ts'
import type { Operation, RunScript } from './scripts.ts'
import { LedgerUnavailable } from './unavailable.ts'

export interface SettlingOptions {
  /** How long a replica may take to confirm a batch. An answer waits for this at most twice: for the batch before it, and for its own. Default 50 ms. */
  readonly waitMs?: number | undefined
  /** How often to look which masters have replicas. Default 5 s. */
  readonly lookEveryMs?: number | undefined
  /** Settlements that were answered although no replica has confirmed them: a failover now could lose them until an outbox repeats them. */
  readonly onUnconfirmed?: ((count: number) => void) | undefined
}

export interface Settling {
  readonly run: RunScript
  close(): void
}

/** What charges: the answers that a failover must not take back. */
const settlements: ReadonlySet<Operation> = new Set<Operation>(['settle', 'settle-together', 'charge', 'expire'])
/** Words of a node that does not have the slot, or not all of it: the Cluster's client knows the way. */
const elsewhere = /\b(MOVED|ASK|TRYAGAIN)\b/

/**
 * Lets a replica confirm settlements where there is one. They go to each master over a connection of their own, the settling connection, and
 * one WAIT follows all that were sent since the last: it would hold up whatever else is on the connection, and a group costs no more than one.
 * Where no replica was ever seen everything goes through `run` and costs nothing. `register` puts the scripts on a new connection.
 */
export function createSettling(
  redis: Redis | Cluster,
  run: RunScript,
  register: (connection: Redis) => RunScript,
  { waitMs = 50, lookEveryMs = 5_000, onUnconfirmed }: SettlingOptions,
): Settling {
  const lines = new Map<string, Line>()
  let closed = false

  const look = async (): Promise<void> => {
    const masters = redis instanceof Cluster ? redis.nodes('master') : [redis]
    const names = new Set(masters.map(nameOf))
    for (const [name, line] of lines) {
      if (names.has(name)) continue
      line.connection.disconnect()
      lines.delete(name)
    }
    await Promise.all(
      masters.map(async (master) => {
        const replicas = Number(parseFacts(await master.info('replication')).get('connected_slaves'))
        const known = lines.get(nameOf(master))
        if (known !== undefined) known.replicas = replicas
        else if (replicas > 0 && !closed) lines.set(nameOf(master), openLine(master, register, waitMs, replicas))
      }),
    )
  }
  // A master that does not answer is looked at again; its calls fail by themselves
  const lookAgain = () => void look().catch(() => {})
  lookAgain()
  const timer = setInterval(lookAgain, lookEveryMs)
  timer.unref()

  const lineOf = (key: string): Line | undefined => {
    if (lines.size === 0) return undefined
    if (!(redis instanceof Cluster)) return lines.get(nameOf(redis))
    return lines.get(redis.slots[slotOf(key)]?.[0] ?? '')
  }

  return {
    async run(operation, keys, args) {
      const line = settlements.has(operation) ? lineOf(keys[0]!) : undefined
      if (line === undefined) return run(operation, keys, args)
      if (line.replicas > 0 && line.connection.status === 'ready') {
        const answer = line.run(operation, keys, args)
        const confirmed = line.confirm()
        try {
          const answered = await answer
          if (!(await confirmed)) onUnconfirmed?.(1)
          return answered
        } catch (error) {
          if (!(error instanceof LedgerUnavailable && elsewhere.test(error.message))) throw error
        }
      }
      const answered = await run(operation, keys, args)
      onUnconfirmed?.(1)
      return answered
    },
    close() {
      closed = true
      clearInterval(timer)
      for (const { connection } of lines.values()) connection.disconnect()
      lines.clear()
    },
  }
}

interface Line {
  readonly connection: Redis
  readonly run: RunScript
  /** True once a replica has all that was sent on this connection before the call. */
  readonly confirm: () => Promise<boolean>
  replicas: number
}

function openLine(master: Redis, register: (connection: Redis) => RunScript, waitMs: number, replicas: number): Line {
  const connection = connectionBeside(master, 'tollgate-settling')
  // It goes on trying by itself
  connection.connect().catch(() => {})
  return { connection, run: register(connection), confirm: createConfirm(connection, waitMs), replicas }
}

function createConfirm(connection: Redis, waitMs: number): () => Promise<boolean> {
  let sent: Promise<unknown> = Promise.resolve()
  let next: Promise<boolean> | undefined
  const wait = async (): Promise<boolean> => {
    // All that is sent in this turn of the event loop shares the WAIT
    await new Promise((resolve) => setImmediate(resolve))
    next = undefined
    const confirmed = connection.wait(1, waitMs).then(
      (replicas) => replicas >= 1,
      () => false,
    )
    sent = confirmed
    return confirmed
  }
  // The WAIT on its way was sent before this settlement and says nothing of it
  return () => (next ??= sent.then(wait))
}

function nameOf(node: Redis): string {
  return `${node.options.host}:${node.options.port}`
}
