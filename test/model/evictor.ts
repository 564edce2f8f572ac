import { evict } from './ledger/evict.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { BooksBroken, type World } from './world.ts'

/** Idle accounts leave Redis. */
export function* evictIdleAccounts(world: World): Process {
  const { redis, random } = world
  for (;;) {
    yield* rest(random.between(20_000, 150_000))
    if (world.calm) continue
    try {
      const loaded = yield* send('redis', () => [...redis.state.accounts.keys()])
      for (const accountId of loaded) yield* evictIdle(world, accountId)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

function* evictIdle(world: World, accountId: string): Process {
  const { redis, story } = world
  const read = yield* send('redis', () => {
    const account = redis.state.accounts.get(accountId)
    return account === undefined ? null : { lineage: account.lineage, version: account.version }
  })
  if (read === null) return
  yield* rest(world.random.between(100, 20_000))
  yield* send('redis', () => {
    const account = redis.state.accounts.get(accountId)
    const { status } = evict(redis, accountId, read)
    const workflow = world.accounts.get(accountId)!.state
    if (status === 'evicted' && workflow.lineage === account!.lineage && workflow.seq < account!.seq) {
      throw new BooksBroken(`${accountId} leaves Redis with rows that its workflow has not`, { accountId })
    }
    story.tell({ accountId }, () => `${accountId} is idle: ${status}`)
  })
}
