import { firstWaitMs, type Outbox, type OutboxEntry } from './outbox.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { sendEntry } from './send-entry.ts'
import type { Line } from './tabs.ts'
import type { Work } from './truth.ts'
import type { SettleRequest } from './ledger/settle.ts'
import type { World } from './world.ts'

/** One gateway: a clock, a disk, and a group of processes that die together. */
export interface Gateway {
  readonly number: number
  readonly clockOffsetMs: number
  isUp: boolean
  /** Counts its processes: another one has another connection. */
  life: number
  outbox: Outbox
  /** Account and budget levels → its tabs. Gone with its process. */
  lines: Map<string, Line>
}

export const groupOf = (gateway: Gateway): string => `gateway ${gateway.number}`

/** Old enough that the journal may have it. */
const drainedAfterMs = 5_000
const longestWaitMs = 600_000

export function append(
  world: World,
  gateway: Gateway,
  kind: OutboxEntry['kind'],
  work: Work,
  request: SettleRequest,
): OutboxEntry {
  const known = gateway.outbox.get(request.id)
  if (known !== undefined) return known
  const now = world.scheduler.nowMs()
  const entry: OutboxEntry = {
    work,
    request,
    kind,
    accepted: false,
    sending: 0,
    appendedAtMs: now,
    nextAtMs: now + firstWaitMs,
    waitMs: firstWaitMs,
  }
  gateway.outbox.set(request.id, entry)
  return entry
}

/** Looks after the outbox: forgets what the journal has, sends again what it has not, all of it at once at the start and when Redis is another. */
export function* replay(world: World, gateway: Gateway): Process {
  const { scheduler, journal, random, rules } = world
  let identity = -1
  for (;;) {
    yield* rest(random.between(4_000, 40_000))
    if (gateway.outbox.size === 0) continue
    const now = scheduler.nowMs()
    const old = [...gateway.outbox.values()].filter((entry) => now - entry.appendedAtMs > drainedAfterMs)
    try {
      const settled = yield* send('journal', () => old.filter((entry) => journal.isSettled(entry.request)))
      for (const entry of settled) gateway.outbox.delete(entry.request.id)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
    const atOnce = identity !== world.redis.identity
    identity = world.redis.identity
    for (const entry of gateway.outbox.values()) {
      if (!rules.replays || (entry.sending > 0 && rules.oneAttemptAtATime) || (!atOnce && entry.nextAtMs > now))
        continue
      entry.nextAtMs = now + entry.waitMs
      entry.waitMs = Math.min(longestWaitMs, entry.waitMs * 2)
      scheduler.spawn(groupOf(gateway), sendEntry(world, gateway, entry))
    }
  }
}

/** kill -9: everything under way is gone, the outbox is on disk, unless the disk went too. */
export function gatewayDied(world: World, gateway: Gateway): void {
  const { random, mix, scheduler, story, truth } = world
  gateway.isUp = false
  const diskLost = random.chance(mix.diskLost)
  story.tell({}, () => `gateway ${gateway.number} is killed${diskLost ? ', and its disk is lost' : ''}`)
  for (const work of truth.works) {
    if (work.kind !== 'call' || !work.gateways.has(gateway.number)) continue
    if (!work.finished) work.died = true
    // What its tab holds is not known to the next process
    work.uncovered = true
  }
  gateway.lines = new Map()
  for (const entry of gateway.outbox.values()) {
    entry.sending = 0
    if (diskLost) entry.work.outboxLost = true
  }
  if (diskLost) gateway.outbox = new Map()
  const downMs = world.calm
    ? 1_000
    : random.chance(0.3)
      ? random.between(600_000, 1_100_000)
      : random.between(1_000, 60_000)
  scheduler.after(downMs, () => startGateway(world, gateway))
}

export function startGateway(world: World, gateway: Gateway): void {
  gateway.isUp = true
  gateway.life += 1
  world.scheduler.spawn(groupOf(gateway), replay(world, gateway))
}
