import { periodMs } from './account-workflow.ts'
import { call } from './call.ts'
import { type Gateway, groupOf } from './gateway.ts'
import { putTerms } from './ledger/put-terms.ts'
import { awaitCredits } from './ledger/waiters.ts'
import { loadAccount } from './loader.ts'
import { askFor } from './one-shot.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import type { Parked, Work } from './truth.ts'
import { onRedis, type World } from './world.ts'

/** How long new work comes. */
export const trafficMs = 3_000_000

/** A parked run looks this often whether it was woken, and asks again by itself within this time and one look more. */
const lookMs = 30_000
const longestFallbackMs = 180_000
export const mostParkedMs = longestFallbackMs + 2 * lookMs

const rows = [
  { row: 'ai_usage|fast|model||ada|lab', levels: ['employee:ada', 'organization:lab'] },
  { row: 'ai_usage|fast|model||bob|lab', levels: ['employee:bob', 'organization:lab', 'task:one'] },
  { row: 'tool_calls|||mail|bob|lab', levels: ['employee:bob', 'organization:lab'] },
] as const

/** Calls, one-shots and grants, all through the run; more of them at the end of a period. */
export function bringCustomers(world: World, works: number): void {
  const { random, scheduler } = world
  for (let at = 0; at < works; at += 1)
    scheduler.after(random.between(0, trafficMs), () => startWork(world, random.pick([...world.accounts.keys()])))
  // A burst: what is left is wanted by several at once
  // Calls that run while a period ends, and what comes right after it
  for (const accountId of world.accounts.keys()) {
    const endMs = periodMs * random.between(1, 2)
    for (let at = 0; at < 3; at += 1)
      scheduler.after(endMs - random.between(1_000, 60_000), () => startWork(world, accountId))
    for (let at = 0; at < 3; at += 1)
      scheduler.after(endMs + random.between(0, 60_000), () => startWork(world, accountId))
  }
  for (let burst = 0; burst < 2; burst += 1) {
    const accountId = random.pick([...world.accounts.keys()])
    const atMs = random.between(0, trafficMs)
    for (let at = 0; at < 4; at += 1) scheduler.after(atMs + random.between(0, 300), () => startWork(world, accountId))
  }
  bringCompanies(world)
  for (const accountId of world.accounts.keys()) {
    for (let at = 0; at < random.between(0, 2); at += 1) {
      const grant = { id: `grant-${accountId}-${at}`, amount: random.between(20, 120), resets: random.chance(0.4) }
      scheduler.after(random.between(0, trafficMs), () => scheduler.spawn('customers', buy(world, accountId, grant)))
    }
    if (world.mix.expiringGrants) expiringGrant(world, accountId)
  }
}

/** Calls through one gateway that follow each other closely: what tabs are for. Half of them while a period ends. */
function bringCompanies(world: World): void {
  const { random, scheduler, mix } = world
  const rushesMs = mix.rush ? Array.from({ length: 4 }, () => random.between(0, trafficMs)) : []
  // Small calls run on tabs, and what is left is wanted by all others
  for (const atMs of rushesMs)
    for (const accountId of world.accounts.keys())
      for (let at = 0; at < 6; at += 1)
        scheduler.after(atMs + random.between(500, 4_000), () => startWork(world, accountId))
  for (let company = 0; company < mix.companies; company += 1) {
    const accountId = random.pick([...world.accounts.keys()])
    const gateway = random.pick(world.gateways)
    const where = random.pick(rows)
    const atMs = mix.rush
      ? random.pick(rushesMs)
      : random.chance(0.5)
        ? periodMs * random.between(1, 2) + random.between(-30_000, 5_000)
        : random.between(0, trafficMs)
    for (let at = random.between(4, 9); at > 0; at -= 1)
      scheduler.after(atMs + random.between(0, 2_000), () => startWork(world, accountId, { gateway, where }))
  }
}

function expiringGrant(world: World, accountId: string): void {
  const { random, scheduler } = world
  const atMs = random.between(0, trafficMs - 600_000)
  scheduler.after(atMs, () => {
    const untilMs = world.redis.nowMs() + random.between(60_000, 500_000)
    const grant = { id: `expiring-${accountId}`, amount: random.between(40, 200), resets: false, untilMs }
    scheduler.spawn('customers', buy(world, accountId, grant))
  })
}

/** A grant: the workflow, then its terms to Redis; repeated by the buyer until both answered. */
function* buy(
  world: World,
  accountId: string,
  grant: { readonly id: string; readonly amount: number; readonly resets: boolean; readonly untilMs?: number },
): Process {
  const { workflows, redis, truth, story } = world
  const account = world.accounts.get(accountId)!
  if (!grant.resets) truth.kept.set(accountId, (truth.kept.get(accountId) ?? 0) + grant.amount)
  for (;;) {
    try {
      const terms = yield* send('workflow', () => workflows.grant(account, grant))
      story.tell(
        { accountId },
        () => `${accountId} is granted ${grant.amount}${grant.resets ? '' : ', kept'}: terms ${terms.version}`,
      )
      yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, terms)))
      return
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      yield* rest(world.random.between(1_000, 60_000))
    }
  }
}

/** `company`: what a group of calls has in common. */
function startWork(
  world: World,
  accountId: string,
  company?: { gateway: Gateway; where: (typeof rows)[number] },
): void {
  const { random, scheduler, truth, mix } = world
  const gateway = company?.gateway ?? random.pick(world.gateways)
  if (!gateway.isUp) return
  const where = company?.where ?? random.pick(rows)
  const isSmall = company !== undefined && mix.rush
  const price = random.chance(0.1) ? 0 : random.between(4, isSmall ? 12 : 70)
  const slices = isSmall ? 1 : random.between(1, 5)
  const kind = company === undefined && random.chance(0.35) ? 'charge' : 'call'
  const number = truth.works.length + 1
  const hold = mix.tame || random.chance(0.6) ? Math.max(1, price) : Math.max(1, Math.ceil(price * random.next()))
  // Some outlive their lease between two slices
  const isSlow = random.chance(mix.slowCalls)
  const sliceMs = isSlow
    ? random.between(60_000, 150_000)
    : isSmall
      ? random.between(50, 1_500)
      : random.between(500, 50_000)
  const isSlowAtLast = mix.slowEnds > 0 && random.chance(mix.slowEnds)
  const work: Work = {
    kind,
    title: `${kind} ${number}`,
    accountId,
    id: `id-${number}`,
    birthMs: Math.round(scheduler.nowMs() + gateway.clockOffsetMs),
    row: where.row,
    levels: [...where.levels],
    price,
    hold,
    slices,
    sliceMs,
    lastSliceMs: isSlowAtLast ? random.between(70_000, 200_000) : sliceMs,
    ids: new Set([`id-${number}`]),
    gateways: new Set([gateway.number]),
    connections: new Set(),
    finished: false,
    died: false,
    outboxLost: false,
    heard: 'nothing',
    accruedSent: 0,
    accruedRecorded: 0,
    releaseAnswered: false,
    epoch: 0,
    inCompany: company !== undefined,
    tab: '',
    held: 0,
    uncovered: false,
  }
  truth.works.push(work)
  if (kind === 'charge') askFor(world, work)
  else scheduler.spawn(groupOf(gateway), callOrPark(world, work))
}

function* callOrPark(world: World, work: Work): Process {
  const { random, scheduler, truth } = world
  const gateway = world.gateways.find((one) => work.gateways.has(one.number))!
  const letIn = yield* call(world, gateway, work)
  if (letIn || work.heard !== 'refused' || !random.chance(0.5)) return
  const parked: Parked = {
    accountId: work.accountId,
    need: random.between(3, 30),
    name: work.title,
    woken: false,
    over: false,
  }
  truth.parked.push(parked)
  scheduler.spawn('customers', park(world, parked))
}

/** A run that was refused waits for credits, then does its step afresh. */
function* park(world: World, parked: Parked): Process {
  const { redis, random, rules, scheduler, story } = world
  const { accountId, need, name } = parked
  for (;;) {
    try {
      const answer = yield* send('redis', () => awaitCredits(redis, accountId, name, need))
      if (answer.status === 'account_not_loaded') {
        yield* loadAccount(world, accountId)
        continue
      }
      if (answer.status === 'ready') break
      story.tell({ accountId }, () => `the run of ${name} is parked`)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
    const askAgainMs = scheduler.nowMs() + random.between(120_000, longestFallbackMs)
    while (!parked.woken && (scheduler.nowMs() < askAgainMs || !rules.parkedAsksAgain)) yield* rest(lookMs)
    parked.woken = false
  }
  parked.over = true
}
