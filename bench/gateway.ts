import { type Load, load, median } from './gateway/load.ts'
import { chunksPerSecond } from './gateway/pace.ts'
import { openStand, type Stand, type Target } from './gateway/stand.ts'
import { streamLoad } from './gateway/stream-load.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'

interface Effort {
  readonly rounds: number
  readonly roundMs: number
  readonly warmUpMs: number
  readonly streamSteps: number
  /** More than any way holds. */
  readonly mostStreams: number
  readonly streamMs: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { rounds: 5, roundMs: 1_200, warmUpMs: 4_000, streamSteps: 6, mostStreams: 1_600, streamMs: 2_500 },
  quick: { rounds: 2, roundMs: 400, warmUpMs: 1_000, streamSteps: 2, mostStreams: 100, streamMs: 700 },
}

/** Below this the machine, not the gateway, is what is measured. */
const leastBareCallsPerSecond = 8_000
/** A stream whose reader sees its words later than this has fallen behind. */
const latestMs = 60

/**
 * The same calls to the same mock upstream: directly, through a bare proxy, and through Tollgate with its meter on. In rounds, each way in turn, so
 * that what else the machine does falls on all alike.
 */
export async function gatewaySuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const effort = efforts[quick ? 'quick' : 'full']
  say('starting Redis, Temporal, PostgreSQL, worker, gateway, bare proxy and upstream')
  const stand = await openStand()
  try {
    // Calls of an account that was just loaded ask the journal first.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await stand.drain()
    return await measure(stand, effort, say)
  } finally {
    await stand.close()
  }
}

async function measure(stand: Stand, effort: Effort, say: (line: string) => void): Promise<Measured> {
  const { direct, bare, tollgate } = stand.targets
  const requestsTo = (target: Target, stream = false): readonly Buffer[] =>
    stand.secrets.map((secret) => requestBytes(target.port, secret, stream))
  const run = (target: Target, concurrency: number, durationMs: number): Promise<Load> =>
    load({ port: target.port, requests: requestsTo(target), concurrency, durationMs })

  say('warming up')
  for (const target of [direct, bare, tollgate]) {
    await run(target, 16, effort.warmUpMs)
    await run(target, 1, effort.warmUpMs / 4)
  }
  await stand.drain()

  /** What goes through Tollgate is drained before the next way has its turn. */
  const metered = async (target: Target, measured: () => Promise<Load>): Promise<Load> => {
    const answered = await measured()
    if (target === tollgate) await stand.drain()
    return answered
  }

  say('latency, one call at a time')
  const alone = await inRounds(effort, [direct, bare, tollgate], (target) =>
    metered(target, () => run(target, 1, effort.roundMs)),
  )
  const latency = (name: Target['name']): readonly number[] => alone[name].map(({ latenciesMs }) => median(latenciesMs))
  const added = (name: 'bare' | 'tollgate'): number =>
    middle(latency(name).map((each, round) => each - latency('direct')[round]!))

  const figures: Figure[] = [
    figure('latency direct, median', middle(latency('direct')), 'ms'),
    figure('latency added by the bare proxy, median', added('bare'), 'ms'),
    figure('latency added by Tollgate, median', added('tollgate'), 'ms', { atMost: 0.45 }),
  ]
  const bareRates: number[] = []
  for (const concurrency of [16, 64]) {
    say(`calls a second at ${concurrency}`)
    const costs: Record<string, number[]> = { bare: [], tollgate: [], redis: [] }
    const loads = await inRounds(effort, [bare, tollgate], async (target) => {
      const before = await target.cpuUs()
      // With what the gateway does for these calls afterwards: its outbox empties while the worker drains.
      const answered = await metered(target, () => run(target, concurrency, effort.roundMs))
      const after = await target.cpuUs()
      costs[target.name]!.push((after.process - before.process) / answered.calls)
      if (target === tollgate) costs['redis']!.push((after.redis - before.redis) / answered.calls)
      return answered
    })
    const rate = (name: Target['name']): readonly number[] => loads[name].map(({ calls, seconds }) => calls / seconds)
    bareRates.push(middle(rate('bare')))
    figures.push(
      figure(`calls/s at ${concurrency}, bare proxy`, middle(rate('bare')), 'calls/s'),
      figure(`calls/s at ${concurrency}, Tollgate`, middle(rate('tollgate')), 'calls/s'),
      figure(
        `calls/s at ${concurrency}, Tollgate of the bare proxy`,
        middle(rate('tollgate').map((each, round) => (100 * each) / rate('bare')[round]!)),
        '%',
        { atLeast: 60 },
      ),
      figure(`CPU per call at ${concurrency}, bare proxy`, middle(costs['bare']!), 'µs'),
      figure(`CPU per call at ${concurrency}, gateway`, middle(costs['tollgate']!), 'µs'),
      figure(`CPU per call at ${concurrency}, Redis`, middle(costs['redis']!), 'µs'),
    )
  }

  say(`streams of ${chunksPerSecond} chunks a second`)
  const streams = await sustainedStreams(
    stand,
    effort,
    [bare, tollgate].map((target) => ({ target, requests: requestsTo(target, true) })),
    say,
  )
  figures.push(
    figure('streams sustained, bare proxy', streams.bare.streams, 'streams'),
    figure('streams sustained, Tollgate', streams.tollgate.streams, 'streams'),
    figure(
      'streams sustained, Tollgate of the bare proxy',
      (100 * streams.tollgate.streams) / Math.max(1, streams.bare.streams),
      '%',
      { atLeast: 80 },
    ),
    figure('CPU per chunk, bare proxy', streams.bare.cpuUs, 'µs'),
    figure('CPU per chunk, Tollgate and Redis', streams.tollgate.cpuUs, 'µs'),
  )

  say('calls a second at 16, with the worker draining on the same cores')
  stand.resumeWorker()
  const drained = await inRounds(effort, [tollgate], (target) => run(target, 16, effort.roundMs))
  figures.push(
    figure(
      'calls/s at 16, Tollgate, worker and PostgreSQL on the same cores',
      middle(drained.tollgate.map(({ calls, seconds }) => calls / seconds)),
      'calls/s',
    ),
  )
  const best = Math.max(...bareRates)
  return {
    figures: [
      figure('bare proxy, to be no void run', best, 'calls/s', { atLeast: leastBareCallsPerSecond }),
      ...figures,
    ],
    void:
      best < leastBareCallsPerSecond
        ? `the bare proxy holds ${Math.round(best)} calls/s here, and must hold ${leastBareCallsPerSecond} for the figures to be about the gateway`
        : '',
  }
}

/** Each target once a round, the order turned from round to round. */
async function inRounds<Result>(
  { rounds }: Effort,
  targets: readonly Target[],
  run: (target: Target) => Promise<Result>,
): Promise<Record<Target['name'], Result[]>> {
  const results: Record<Target['name'], Result[]> = { direct: [], bare: [], tollgate: [] }
  for (let round = 0; round < rounds; round += 1) {
    const turned = [...targets.slice(round % targets.length), ...targets.slice(0, round % targets.length)]
    for (const target of turned) results[target.name].push(await run(target))
  }
  return results
}

interface Sustained {
  /** The most at a time whose readers saw 99 of 100 chunks in time. */
  readonly streams: number
  /** Per chunk, at that number; where none was sustained, at the first that was tried. */
  readonly cpuUs: number
}

/** Looks for each target's limit by halving what is between a number that holds and one that does not, in turns. */
async function sustainedStreams(
  stand: Stand,
  { streamSteps, mostStreams, streamMs }: Effort,
  candidates: readonly { readonly target: Target; readonly requests: readonly Buffer[] }[],
  say: (line: string) => void,
): Promise<Record<'bare' | 'tollgate', Sustained>> {
  const found: Record<string, { low: number; high: number; cpuUs: number }> = {}
  for (const { target } of candidates) found[target.name] = { low: 0, high: mostStreams, cpuUs: Number.NaN }
  for (let step = 0; step < streamSteps; step += 1) {
    for (const { target, requests } of candidates) {
      const bounds = found[target.name]!
      const streams = Math.round((bounds.low + bounds.high) / 2)
      const before = await target.cpuUs()
      const seen = await streamLoad({
        port: target.port,
        requests,
        streams,
        warmUpMs: 1_000,
        durationMs: streamMs,
      })
      const after = await target.cpuUs()
      if (target.name === 'tollgate') await stand.drain()
      const late = seen.delaysMs[Math.floor(seen.delaysMs.length * 0.99)] ?? Number.POSITIVE_INFINITY
      const part = seen.chunks / seen.seconds / (streams * chunksPerSecond)
      const holds = late <= latestMs && part >= 0.97
      say(`  ${target.name}: ${streams} streams, ${(100 * part).toFixed(1)} % of the chunks, 99 % within ${late} ms`)
      if (holds || Number.isNaN(bounds.cpuUs)) {
        // The chunks of the first second were delivered too.
        const chunks = (seen.chunks / seen.seconds) * (seen.seconds + 1)
        bounds.cpuUs = (after.process + after.redis - before.process - before.redis) / chunks
      }
      if (holds) bounds.low = streams
      else bounds.high = streams
    }
  }
  const sustained = (name: string): Sustained => ({ streams: found[name]!.low, cpuUs: found[name]!.cpuUs })
  return { bare: sustained('bare'), tollgate: sustained('tollgate') }
}

function requestBytes(port: number, secret: string, stream: boolean): Buffer {
  const body = JSON.stringify({
    model: 'openai/gpt-4.1-mini',
    ...(stream ? { stream: true } : {}),
    temperature: 0.2,
    messages: [
      {
        role: 'system',
        content: 'You are the bookkeeper of a small company. You answer in two sentences, and you cite what you used.',
      },
      { role: 'user', content: 'Which invoices of last month are still unpaid, and whom should I remind first?' },
    ],
  })
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${secret}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})

function middle(values: readonly number[]): number {
  return median(values.toSorted((one, other) => one - other))
}
