import { setTimeout as pause } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { startRedis } from '../bin/stack/redis.ts'
import { toMicro } from '../credits/money.ts'
import { connectRedis } from '../ledger/connect.ts'
import { shardOf } from '../ledger/keys.ts'
import { type Ledger, createLedger } from '../ledger/ledger.ts'
import { cpuOf } from './gateway/cpu-of.ts'
import { median } from './gateway/load.ts'
import { createRecorder, openBareConnection } from './ledger/bare-calls.ts'
import { callOf, loadAccounts, pair } from './ledger/calls.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'

interface Effort {
  readonly rounds: number
  readonly pairs: number
  readonly refusals: number
  /** Of accounts and of holds, whose memory is weighed. */
  readonly weighed: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { rounds: 9, pairs: 5_000, refusals: 4_000, weighed: 4_000 },
  quick: { rounds: 2, pairs: 300, refusals: 200, weighed: 300 },
}

const inFlight = 64
const accounts = Array.from({ length: 200 }, (_, index) => `bench-${index}`)
const slackMs = 1_000
const options = { depletedBelow: toMicro(10_000), slackMs }

/** The ledger by itself: one Redis with its append-only file, one connection of the project's client. */
export async function ledgerSuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const effort = efforts[quick ? 'quick' : 'full']
  const server = await startRedis({ appendonly: 'everysec' })
  const redis = await connectRedis(server.url, { commandTimeoutMs: 60_000 })
  // A rewrite of the file would fall on one round and not on another.
  await redis.config('SET', 'auto-aof-rewrite-percentage', 0)
  const ledger = createLedger(redis, options)
  try {
    await loadAccounts(ledger, accounts, 100_000_000)
    await loadAccounts(ledger, ['bench-poor'], 0)
    // Until then an id would be one that only the journal can know.
    await pause(2 * slackMs)
    return {
      figures: [
        ...(await speed(ledger, redis, server, effort, say)),
        ...(await refusal(ledger, redis, effort, say)),
        ...(await memory(ledger, redis, effort, say)),
      ],
      void: '',
    }
  } finally {
    await ledger.close()
    await server.stop()
  }
}

interface Measurement {
  readonly pairsPerSecond: number
  readonly redisUs: number
  readonly nodeUs: number
}

/** The client and the bare calls in turns, so that what else the machine does falls on both alike. */
async function speed(
  ledger: Ledger,
  redis: Redis,
  server: { readonly pid: number; readonly port: number },
  { rounds, pairs }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  const recorder = createRecorder(options)
  for (const lua of recorder.scripts) await redis.script('LOAD', lua)
  const bare = await openBareConnection(server.port)
  const measure = async (run: () => Promise<void>): Promise<Measurement> => {
    const [redisBefore, nodeBefore, startedAt] = [cpuOf(server.pid), process.cpuUsage(), performance.now()]
    await run()
    const seconds = (performance.now() - startedAt) / 1_000
    const node = process.cpuUsage(nodeBefore)
    return {
      pairsPerSecond: pairs / seconds,
      redisUs: (cpuOf(server.pid) - redisBefore) / pairs,
      nodeUs: (node.user + node.system) / pairs,
    }
  }
  try {
    say('warming up')
    await inTurns(pairs, (accountId) => pair(ledger, accountId))
    const client: Measurement[] = []
    const ceiling: Measurement[] = []
    for (let round = 0; round < rounds; round += 1) {
      say(`pairs a second, round ${round + 1} of ${rounds}`)
      client.push(await measure(() => inTurns(pairs, (accountId) => pair(ledger, accountId))))
      await inTurns(pairs, (accountId) => pair(recorder.ledger, accountId))
      const calls = recorder.take()
      ceiling.push(await measure(() => bare.run(calls, 2 * pairs)))
      await drain(ledger)
    }
    const middle = (list: readonly Measurement[], name: keyof Measurement) =>
      median(list.map((one) => one[name]).toSorted((a, b) => a - b))
    const parts = client.map(({ pairsPerSecond }, round) => (100 * pairsPerSecond) / ceiling[round]!.pairsPerSecond)
    return [
      figure('pairs/s, bare calls', middle(ceiling, 'pairsPerSecond'), 'pairs/s'),
      figure(`pairs/s, client with ${inFlight} in flight`, middle(client, 'pairsPerSecond'), 'pairs/s'),
      figure('pairs/s, client of the bare calls', median(parts.toSorted((a, b) => a - b)), '%', { atLeast: 70 }),
      figure('CPU per pair, Redis, bare calls', middle(ceiling, 'redisUs'), 'µs'),
      figure('CPU per pair, Redis, client', middle(client, 'redisUs'), 'µs'),
      figure('CPU per pair, Node', middle(client, 'nodeUs'), 'µs'),
    ]
  } finally {
    bare.close()
  }
}

/** One call at a time for an account that has nothing, and a PING beside each. */
async function refusal(
  ledger: Ledger,
  redis: Redis,
  { refusals }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  say('refusals, one at a time')
  const pings: number[] = []
  const answers: number[] = []
  for (let turn = 0; turn < refusals; turn += 1) {
    pings.push(await msOf(() => redis.ping()))
    const { reserve } = callOf('bench-poor')
    answers.push(
      await msOf(async () => {
        const { status } = await ledger.reserve(reserve)
        if (status !== 'credits_depleted') throw new Error(`reserve answered ${status}`)
      }),
    )
  }
  return [
    figure('latency of a PING, median', median(pings.toSorted((a, b) => a - b)), 'ms'),
    figure('latency of a refusal, median', median(answers.toSorted((a, b) => a - b)), 'ms', { atMost: 0.5 }),
  ]
}

/** What Redis has more of after some thousands, per one. */
async function memory(
  ledger: Ledger,
  redis: Redis,
  { weighed }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  say('memory')
  const used = async (): Promise<number> => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1])
  const weigh = async (change: () => Promise<unknown>): Promise<number> => {
    const before = await used()
    await change()
    return ((await used()) - before) / weighed
  }
  const extra = Array.from({ length: weighed }, (_, index) => `weighed-${index}`)
  const perAccount = await weigh(() => loadAccounts(ledger, extra, 1_000))
  // Of few accounts, since a stream takes memory by the page.
  const calls = Array.from({ length: weighed }, (_, index) => callOf(accounts[index % 4]!))
  await drain(ledger)
  const perHold = await weigh(() => Promise.all(calls.map(({ reserve }) => ledger.reserve(reserve))))
  const perSettled = await weigh(() => Promise.all(calls.map(({ settle }) => ledger.settle(settle))))
  const perDrained = await weigh(() => drain(ledger))
  return [
    figure('memory of an account', perAccount, 'bytes'),
    figure('memory of a hold with its deadline', perHold, 'bytes'),
    figure('memory of a receipt', -perDrained, 'bytes'),
    figure('memory of a tombstone', perHold + perSettled + perDrained, 'bytes'),
  ]
}

/** Empties the receipt streams, as the worker does once the journal has them. */
async function drain(ledger: Ledger): Promise<void> {
  for (const shard of new Set(accounts.map(shardOf))) {
    for (;;) {
      const entries = await ledger.receipts(shard, 500)
      if (entries.length === 0) break
      if ((await ledger.ackReceipts(shard, entries)) !== 'acked') throw new Error('somebody else drains')
    }
  }
}

/** So many calls, `inFlight` of them at a time. */
async function inTurns(count: number, call: (accountId: string) => Promise<void>): Promise<void> {
  let begun = 0
  const caller = async (): Promise<void> => {
    while (begun < count) {
      begun += 1
      await call(accounts[begun % accounts.length]!)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
}

async function msOf(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})
