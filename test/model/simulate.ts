import { createWorkflows, openAccount, periodMs } from './account-workflow.ts'
import { audit, unrestOf } from './auditor.ts'
import { longestCheckMs } from './checker.ts'
import { bringCustomers, mostParkedMs, trafficMs } from './customers.ts'
import { faultsMs, planFaults, setClock } from './faults.ts'
import { gatewayDied, groupOf, startGateway } from './gateway.ts'
import { createJournal } from './journal.ts'
import { emptyState } from './ledger/state.ts'
import { loadAccount } from './loader.ts'
import { type Mix, mixes } from './mixes.ts'
import { createRandom } from './random.ts'
import { type Rules, rulesWithout } from './rules.ts'
import { createScheduler, perfectNetwork, type Process, rest, Unavailable } from './scheduler.ts'
import { createStory } from './story.ts'
import { BooksBroken, type Redis, type World } from './world.ts'
import { startWorker } from './workers.ts'

export interface Run {
  readonly seed: number
  readonly mix: string
  readonly steps: number
  /** What broke, null for a clean run. */
  readonly broken: string | null
  /** Only the steps that concern what broke; empty unless asked for. */
  readonly story: readonly string[]
  readonly figures: Figures
}

/** Sums over a run: rules that break nothing show in them. */
export interface Figures {
  readonly works: number
  readonly charged: number
  readonly uncollected: number
  readonly corrections: number
  readonly repairs: number
  readonly pages: number
  /** Of calls that held what they cost. */
  readonly heldAndUncollected: number
  /** Set aside when accounts were loaded. */
  readonly quarantined: number
  /** Terms that workflows brought to Redis by themselves. */
  readonly pushes: number
}

export interface RunOptions {
  readonly rules?: Rules
  /** By its name; the seed picks one otherwise. */
  readonly mix?: string | undefined
  readonly story?: boolean
}

const tombstoneMs = 600_000
const slackMs = 60_000
const quarantineMs = 120_000
/** At rest for so long: every parked run has asked again, and the check has come by twice, since one that repairs corrects the next time. */
const atRestMs = Math.max(mostParkedMs, 2 * longestCheckMs + 60_000)
const lastPeriodEndsMs = Math.ceil(faultsMs / periodMs) * periodMs
const patienceMs = 12_000_000

/** One run of the model: everything that happens follows from the seed. */
export function simulate(seed: number, options: RunOptions = {}): Run {
  const mix = mixes.find((one) => one.name === options.mix) ?? mixes[seed % mixes.length]!
  const { world, away } = createWorld(seed, mix, options)
  let broken: BooksBroken | null = null
  try {
    runToRest(world, away)
    audit(world)
  } catch (error) {
    // A contradiction that the program itself notices is a failed run too
    broken =
      error instanceof BooksBroken
        ? error
        : new BooksBroken(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
    if (options.story === true && !(error instanceof BooksBroken) && error instanceof Error)
      world.story.tell({}, () => error.stack ?? '')
  }
  return {
    seed,
    mix: mix.name,
    steps: world.scheduler.steps(),
    broken: broken?.message ?? null,
    story: world.story.lines(broken?.about ?? {}),
    figures: figuresOf(world),
  }
}

function createWorld(
  seed: number,
  mix: Mix,
  options: RunOptions,
): { world: World; away: Record<'journal' | 'workflow', boolean> } {
  const rules = options.rules ?? rulesWithout()
  const random = createRandom(seed)
  const away = { journal: false, workflow: false }
  const scheduler = createScheduler({
    random,
    network: () => (world.calm ? perfectNetwork : mix.network),
    isUp: (service) => service === 'redis' || !away[service],
    dies: (group) => {
      if (world.calm || group === 'customers') return false
      return random.chance(group.startsWith('gateway') ? mix.gatewayDies : mix.workerDies)
    },
    onDeath: (group) => died(world, group),
    lanesKeepOrder: rules.retriesOnOneConnection,
    stallsEndMs: faultsMs,
  })
  // PostgreSQL's clock is off as a gateway's is; what jumps is Redis'
  const journalOffsetMs = random.between(-mix.crooked, mix.crooked)
  const story = createStory(options.story === true, scheduler.nowMs)
  const redis: Redis = {
    rules,
    tombstoneMs,
    slackMs,
    quarantineMs,
    state: emptyState(),
    offsetMs: 0,
    identity: 0,
    nowMs: () => Math.round(scheduler.nowMs() + redis.offsetMs),
  }
  const limits = {
    'organization:lab': random.between(100, 400),
    'employee:bob': random.between(60, 300),
    'task:one': random.between(30, 200),
  }
  const kept = new Map<string, number>()
  const accounts = new Map(
    ['ann', 'ben'].map((accountId) => {
      const money = {
        allowance: random.between(60, mix.scarce ? 120 : 300),
        welcome: random.between(40, mix.scarce ? 80 : 200),
      }
      kept.set(accountId, money.welcome)
      return [accountId, openAccount(accountId, money, limits)]
    }),
  )
  const world: World = {
    rules,
    mix,
    random,
    scheduler,
    redis,
    journal: createJournal(rules, () => scheduler.nowMs() + journalOffsetMs),
    workflows: createWorkflows({
      rules,
      // No period ends once the faults are over: what it brings would heal much
      nowMs: () => Math.min(scheduler.nowMs(), lastPeriodEndsMs - 1),
      updatesPerRun: mix.updatesPerRun,
      ledger: redis,
      onNextRun: (accountId) => story.tell({ accountId }, () => `the workflow of ${accountId} continues as new`),
    }),
    accounts,
    gateways: [1, 2, 3].map((number) => ({
      number,
      clockOffsetMs: random.between(-mix.crooked, mix.crooked),
      isUp: true,
      life: 0,
      outbox: new Map(),
      lines: new Map(),
    })),
    truth: {
      works: [],
      parked: [],
      tabs: [],
      kept,
      rolledBack: false,
      lost: false,
      journalRestored: false,
      clocksJumped: false,
      stragglers: new Set(),
      correctedUp: new Map(),
      undone: new Map(),
      uncounted: new Map(),
      corrections: 0,
      pages: 0,
      repairs: 0,
      quarantined: 0,
      pushes: 0,
    },
    story,
    calm: false,
  }
  return { world, away }
}

function died(world: World, group: string): void {
  const gateway = world.gateways.find((one) => groupOf(one) === group)
  if (gateway !== undefined) return gatewayDied(world, gateway)
  world.story.tell({}, () => 'the worker is killed')
  world.scheduler.after(world.random.between(500, 40_000), () => startWorker(world, group))
}

function runToRest(world: World, away: Record<'journal' | 'workflow', boolean>): void {
  const { scheduler, gateways, random } = world
  for (const gateway of gateways) startGateway(world, gateway)
  startWorker(world, 'worker')
  bringCustomers(world, random.between(8, 22))
  planFaults(world, away)
  scheduler.run(() => false, Math.max(faultsMs, trafficMs))

  world.calm = true
  away.journal = false
  away.workflow = false
  setClock(world.redis, -world.redis.offsetMs)
  world.redis.identity += 1
  world.story.tell({}, () => 'all faults are over')
  for (const accountId of world.accounts.keys()) scheduler.spawn('customers', keepLoaded(world, accountId))
  let restingSinceMs = Number.POSITIVE_INFINITY
  let nextLookMs = 0
  let unrest = ''
  scheduler.run(() => {
    if (scheduler.nowMs() < nextLookMs) return false
    nextLookMs = scheduler.nowMs() + 5_000
    unrest = unrestOf(world)
    restingSinceMs = unrest === '' ? Math.min(restingSinceMs, scheduler.nowMs()) : Number.POSITIVE_INFINITY
    return scheduler.nowMs() - restingSinceMs > atRestMs
  }, faultsMs + patienceMs)
  if (unrest !== '' && !world.truth.journalRestored) throw new BooksBroken(`no rest: ${unrest}`, aboutOf(world, unrest))
}

function* keepLoaded(world: World, accountId: string): Process {
  for (;;) {
    try {
      yield* loadAccount(world, accountId)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
    yield* rest(30_000)
  }
}

/** Whom an unrest is about, as far as its words say. */
function aboutOf(world: World, unrest: string): { accountId?: string; id?: string } {
  const work = world.truth.works.find((one) => unrest.endsWith(` ${one.id}`) || unrest.startsWith(`${one.title} `))
  if (work !== undefined) return work
  const accountId = [...world.accounts.keys()].find((one) => unrest.includes(one))
  return accountId === undefined ? {} : { accountId }
}

function figuresOf({ journal, truth }: World): Figures {
  let charged = 0
  let uncollected = 0
  for (const { added } of journal.state.log) {
    charged += added.charged
    uncollected += added.uncollected
  }
  const uncollectedOf = new Map(journal.state.log.map(({ id, uncollected: own }) => [id, own]))
  const heldAndUncollected = truth.works
    .filter((work) => work.finished && work.price <= work.held)
    .reduce((total, { id }) => total + (uncollectedOf.get(id) ?? 0), 0)
  const { corrections, repairs, pages, quarantined, pushes } = truth
  return {
    works: truth.works.length,
    charged,
    uncollected,
    corrections,
    repairs,
    pages,
    heldAndUncollected,
    quarantined,
    pushes,
  }
}
