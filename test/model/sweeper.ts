import { expire } from './ledger/expire.ts'
import { holdOf, type Name } from './ledger/state.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { onRedis, type World } from './world.ts'

/** Ends holds whose deadline has passed. Redis itself decides what is due, again when the expiry arrives. */
export function* sweep(world: World): Process {
  const { redis, random, story, truth } = world
  for (;;) {
    yield* rest(random.between(2_000, 40_000))
    try {
      const due = yield* send('redis', () => dueHolds(world))
      for (const name of due) {
        const { status } = yield* send('redis', () =>
          onRedis(world, name.accountId, 'expire', () => {
            const isDue = (holdOf(redis, name)?.deadlineMs ?? 0) <= redis.nowMs()
            const expired = expire(redis, name)
            if (expired.status === 'expired' && isDue)
              for (const work of truth.works) if (work.tab === name.id || work.id === name.id) work.uncovered = true
            return expired
          }),
        )
        story.tell(name, () => `the sweeper expires ${name.id}: ${status}`)
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

function dueHolds({ redis, truth }: World): readonly Name[] {
  const due: Name[] = []
  for (const [key, hold] of redis.state.holds) {
    if (hold.state !== 'active' || hold.deadlineMs > redis.nowMs()) continue
    const [accountId, id] = key.split(' ') as [string, string]
    due.push({ accountId, id, birthMs: [...truth.works, ...truth.tabs].find((one) => one.id === id)!.birthMs })
  }
  return due
}
