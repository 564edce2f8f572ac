import { rawOf } from './ledger/balance.ts'
import { hydrate, lock } from './ledger/hydrate.ts'
import { type Process, rest, send } from './scheduler.ts'
import { BooksBroken, onRedis, type World } from './world.ts'

let tokens = 0

/** Brings an account into Redis: terms from the workflow, totals from the journal alone. Throws Unavailable. The caller tries its operation again. */
export function* loadAccount(world: World, accountId: string): Process {
  const { redis, journal, workflows, rules, story } = world
  if (redis.state.accounts.has(accountId)) return
  tokens += 1
  const token = `token ${tokens}`
  // One connection: a lock that was answered does not come a second time, much later, and make way for an old hydrate
  if (!(yield* send('redis', () => lock(redis, accountId, token), token))) {
    yield* rest(world.random.between(200, 2_000))
    return
  }
  // Whoever held the lock before may have done it
  if (yield* send('redis', () => redis.state.accounts.has(accountId), token)) return
  const account = world.accounts.get(accountId)!
  const { lineage, terms, held } = yield* send('workflow', () => workflows.nextLineage(account))
  const epochs = [terms.epoch, ...terms.earlier.map((one) => one.epoch)]
  const totals = yield* send('journal', () => journal.totals(accountId, epochs))
  const known = rules.hydrateFromJournal ? totals.epochs : workflowRows(world, accountId, epochs)
  yield* send(
    'redis',
    () =>
      onRedis(world, accountId, 'hydrate', () => {
        const { status } = hydrate(redis, {
          accountId,
          token,
          lineage,
          terms,
          epochs: known,
          windows: rules.budgetsFromJournal ? totals.windows : {},
          held,
          latestBirthMs: totals.latestBirthMs,
          journalNowMs: totals.nowMs,
        })
        if (status === 'hydrated') {
          noteDeficit(world, accountId)
          world.truth.quarantined += redis.state.accounts.get(accountId)!.quarantine
        }
        story.tell({ accountId }, () => `${accountId} is loaded in life ${lineage}, terms ${terms.version}: ${status}`)
      }),
    token,
  )
}

/** What was spent twice after a rollback is found when the account is loaded anew from the journal. */
function noteDeficit({ redis, truth }: World, accountId: string): void {
  const deficit = -rawOf(redis, redis.state.accounts.get(accountId)!)
  if (deficit <= 0) return
  if (!truth.rolledBack && !truth.stragglers.has(accountId))
    throw new BooksBroken(`${accountId} is loaded with a deficit of ${deficit}`, { accountId })
  truth.correctedUp.set(accountId, (truth.correctedUp.get(accountId) ?? 0) + deficit)
}

/** The forbidden way: what the workflow has counted, some of which may have died with Redis. */
function workflowRows(world: World, accountId: string, epochs: readonly number[]) {
  const { periods } = world.accounts.get(accountId)!.state
  return Object.fromEntries(
    epochs.map((epoch) => [epoch, structuredClone(periods.find((period) => period.epoch === epoch)?.rows ?? {})]),
  ) as Record<number, Record<string, { charged: number; uncollected: number; units: number }>>
}
