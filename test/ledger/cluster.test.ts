import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import slotOf from 'cluster-key-slot'
import { Cluster } from 'ioredis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { zero } from '../../credits/money.ts'
import { type Ledger, createLedger } from '../../ledger/ledger.ts'
import { operationNames } from '../../ledger/scripts.ts'
import { type RunningCluster, startCluster } from '../stack/cluster.ts'
import { everyOperation } from './every-operation.ts'

/** A Cluster of one node that owns every slot: it refuses what a larger one would. */
let one: RunningCluster
let cluster: Cluster
let ledger: Ledger

beforeAll(async () => {
  one = await startCluster(1)
  cluster = new Cluster([{ host: '127.0.0.1', port: one.nodes[0]!.port }], { redisOptions: { protocol: 2 } })
  ledger = createLedger(cluster, { depletedBelow: zero })
})
afterAll(async () => {
  await ledger.close()
  await one.stop()
})

test('every operation works on a Cluster, in one slot, and touches no key that it has not declared', async () => {
  const node = one.nodes[0]!.redis
  const { seen, stop } = await monitor(one.nodes[0]!.port)

  await everyOperation(ledger, 'cluster{odd}:name')

  await node.echo('the end')
  await vi.waitFor(() => expect(seen.some(({ args }) => args.includes('the end'))).toBe(true))
  stop()
  const scripts = new Set<string>()
  const undeclared: string[] = []
  const slots: number[] = []
  let declared: readonly string[] = []
  for (const { source, args } of seen) {
    const [command, first, ...rest] = args as [string, string, ...string[]]
    if (/^eval/i.test(command)) {
      declared = rest.slice(1, 1 + Number(rest[0]))
      scripts.add(first)
      slots.push(new Set(declared.map((key) => slotOf(key))).size)
    } else if (source === 'lua' && command !== 'TIME') {
      const touched = command === 'DEL' ? [first, ...rest] : [first]
      undeclared.push(...touched.filter((key) => !declared.includes(key)).map((key) => `${command} ${key}`))
    }
  }
  expect(undeclared).toEqual([])
  expect(slots.every((count) => count === 1)).toBe(true)
  expect(scripts.size).toBeGreaterThanOrEqual(operationNames.length)
})

interface Executed {
  /** `lua` for what a script calls. */
  readonly source: string
  readonly args: readonly string[]
}

/** What a Redis executes from now on. By hand: ioredis takes a line that comes together with the answer to MONITOR for an answer to something else. */
async function monitor(port: number): Promise<{ readonly seen: readonly Executed[]; readonly stop: () => void }> {
  const seen: Executed[] = []
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  const lines = createInterface({ input: socket })
  const started = once(lines, 'line')
  socket.write('MONITOR\r\n')
  await started
  lines.on('line', (line) => {
    const source = /^\+[\d.]+ \[\d+ ([^\]]+)\]/.exec(line)?.[1]
    if (source === undefined) throw new Error(`not a line of MONITOR: ${line}`)
    seen.push({ source, args: [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, arg]) => arg!) })
  })
  return { seen, stop: () => socket.destroy() }
}
