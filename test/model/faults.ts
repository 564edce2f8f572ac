import { periodMs } from './account-workflow.ts'
import { type Account, type Book, emptyState, type LedgerState } from './ledger/state.ts'
import { noteTime } from './ledger/gate.ts'
import type { Redis, World } from './world.ts'

/** Faults come while there is traffic, and a while longer. */
export const faultsMs = 3_300_000

/** Plans the faults of a run. Those of single messages and deaths at single steps are the scheduler's. */
export function planFaults(world: World, away: Record<'journal' | 'workflow', boolean>): void {
  const { mix, random, scheduler, story, redis, truth, journal } = world
  const times = (howMany: number): number => Math.floor(howMany) + (random.chance(howMany % 1) ? 1 : 0)
  const plan = (howMany: number, what: () => void): void => {
    for (let at = times(howMany); at > 0; at -= 1) {
      // Half of them while a period ends: then most is under way
      const nearMs = periodMs * random.between(1, 2) + random.between(-60_000, 120_000)
      scheduler.after(random.chance(0.5) ? nearMs : random.between(60_000, faultsMs - 60_000), what)
    }
  }
  const back = (keptMs: number, behindMs: number): void => {
    const kept = structuredClone(redis.state)
    scheduler.after(keptMs, () => {
      noteUndone(world, kept)
      redis.state = kept
      redis.identity += 1
      setClock(redis, -behindMs)
      truth.rolledBack = true
      story.tell(
        {},
        () =>
          `Redis goes back ${Math.round(keptMs / 1000)} s${behindMs > 0 ? `, its clock ${Math.round(behindMs / 1000)} s` : ''}`,
      )
    })
  }
  plan(mix.rollbacks, () => back(random.chance(0.5) ? random.between(100, 5_000) : random.between(1_000, 240_000), 0))
  plan(mix.failovers, () => back(random.between(100, 60_000), random.between(1_000, 180_000)))
  plan(mix.losses, () => {
    redis.state = { ...emptyState(), lastEntryId: redis.state.lastEntryId }
    redis.identity += 1
    truth.lost = true
    story.tell({}, () => 'Redis loses everything')
  })
  plan(mix.clockJumps, () => {
    const byMs = random.between(-1_500_000, 1_500_000)
    setClock(redis, byMs)
    truth.clocksJumped = true
    story.tell({}, () => `Redis' clock jumps by ${Math.round(byMs / 1000)} s`)
    // Somebody sets it right after a while
    scheduler.after(random.between(10_000, 900_000), () => setClock(redis, world.calm ? 0 : -byMs))
  })
  const outage = (service: 'journal' | 'workflow', ms: number): void => {
    away[service] = true
    story.tell({}, () => `the ${service} is away for ${Math.round(ms / 1000)} s`)
    scheduler.after(ms, () => (away[service] = false))
  }
  plan(mix.journalOutages, () => outage('journal', random.between(30_000, 1_200_000)))
  plan(mix.workflowOutages, () => outage('workflow', random.between(10_000, 400_000)))
  plan(mix.journalRestores, () => {
    const kept = structuredClone(journal.state)
    scheduler.after(random.between(10_000, 300_000), () => {
      journal.state = kept
      truth.journalRestored = true
      story.tell({}, () => 'the journal is restored from a backup')
    })
  })
  // Entries are kept for longer than any outbox is away: what one still has may have to be found. What has only expired is kept anyway
  const waitingSinceMs = (): number =>
    Math.min(
      ...world.gateways
        .flatMap(({ outbox }) => [...outbox.values()].map(({ request }) => request))
        .filter((request) => journal.find(request)?.kind !== 'expired')
        .map(({ birthMs }) => birthMs),
    )
  const { keepsEntriesMs } = mix
  for (let atMs = keepsEntriesMs; atMs < faultsMs; atMs += 180_000)
    scheduler.after(atMs, () => journal.prune(Math.min(atMs - keepsEntriesMs, waitingSinceMs())))
}

/**
 * Sets the clock of Redis by so much. Until then Redis has gone by the one it had: keys whose time was over are gone, asked for or not, and the
 * passes of the workers have noted the time. They look into each shard twice a second, more often than a clock of the model changes.
 */
export function setClock(redis: Redis, byMs: number): void {
  for (const [key, hold] of redis.state.holds) if (hold.forgetAtMs <= redis.nowMs()) redis.state.holds.delete(key)
  noteTime(redis)
  redis.offsetMs += byMs
}

function noteUndone({ redis, truth, journal }: World, kept: LedgerState): void {
  for (const [accountId, account] of redis.state.accounts) {
    const earlier = kept.accounts.get(accountId)
    if (earlier === undefined) continue
    const epochs = new Set([...booksOf(account), ...booksOf(earlier)].map((book) => book.epoch))
    for (const epoch of epochs) {
      // A period that has left Redis meanwhile is in the journal as a whole
      const stored = journal.totals(accountId, [epoch]).epochs[epoch] ?? {}
      const storedSpent = Object.values(stored).reduce((total, row) => total + row.charged, 0)
      const now = booksOf(account).find((book) => book.epoch === epoch)?.spent ?? storedSpent
      const then = booksOf(earlier).find((book) => book.epoch === epoch)?.spent ?? 0
      truth.undone.set(accountId, (truth.undone.get(accountId) ?? 0) + Math.max(0, now - then))
    }
  }
}

const booksOf = ({ current, earlier }: Account): readonly Book[] => [current, ...earlier]
