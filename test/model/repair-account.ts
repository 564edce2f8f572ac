import { repair } from './ledger/repair.ts'
import { type Process, send } from './scheduler.ts'
import { onRedis, type World } from './world.ts'

/** Another life for an account that went back in time: the workflow issues it, Redis takes it if the account still has the one that was read. */
export function* repairAccount(world: World, accountId: string, from: number, why: string): Process {
  const { redis, workflows, story, truth } = world
  const account = world.accounts.get(accountId)!
  const { lineage } = yield* send('workflow', () => workflows.nextLineage(account))
  const { status } = yield* send('redis', () =>
    onRedis(world, accountId, 'repair', () => repair(redis, accountId, { from, to: lineage })),
  )
  truth.repairs += 1
  story.tell({ accountId }, () => `${accountId} is repaired (${why}): life ${from} becomes ${lineage}, ${status}`)
}
