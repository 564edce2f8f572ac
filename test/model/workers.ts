import { check } from './checker.ts'
import { drain } from './drainer.ts'
import { evictIdleAccounts } from './evictor.ts'
import { putTerms } from './ledger/put-terms.ts'
import { popWaiters } from './ledger/waiters.ts'
import { reconcileAll } from './reconciler.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { sweep } from './sweeper.ts'
import { onRedis, type World } from './world.ts'

/** The worker: all that keeps Redis, journal and workflows together. It dies as a whole, and another takes its place. */
export function startWorker(world: World, group: string): void {
  const { scheduler, mix } = world
  for (let at = 0; at < mix.drainers; at += 1) scheduler.spawn(group, drain(world))
  scheduler.spawn(group, reconcileAll(world))
  if (world.rules.checks) scheduler.spawn(group, check(world))
  scheduler.spawn(group, sweep(world))
  if (mix.evicts) scheduler.spawn(group, evictIdleAccounts(world))
  scheduler.spawn(group, pushTerms(world))
}

/** The account workflows' own loop: rolls periods over, brings changed terms to Redis, then wakes who waits for credits. */
function* pushTerms(world: World): Process {
  const { workflows, redis, random, truth } = world
  for (;;) {
    yield* rest(random.between(2_000, 40_000))
    for (const account of world.accounts.values()) {
      const { accountId } = account
      if (!workflows.hasNews(account)) continue
      try {
        const terms = yield* send('workflow', () => {
          workflows.tick(account)
          return workflows.terms(account)
        })
        if (terms.version <= account.pushedVersion) continue
        yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, terms)))
        account.pushedVersion = terms.version
        truth.pushes += 1
        const woken = yield* send('redis', () => popWaiters(redis, accountId))
        for (const parked of truth.parked) if (woken.includes(parked.name)) parked.woken = true
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
      }
    }
  }
}
