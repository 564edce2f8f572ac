import { append, type Gateway, groupOf } from './gateway.ts'
import type { Process } from './scheduler.ts'
import { sendEntry } from './send-entry.ts'
import type { Work } from './truth.ts'
import type { World } from './world.ts'

/** The longest that a caller waits before it asks again, here or at another gateway. */
const mostRetryMs = 900_000

/** A one-shot: sent by a gateway, asked for again by its caller until there is an answer. Id and birth are those of what it charges for. */
export function* oneShot(world: World, gateway: Gateway, work: Work, id: string): Process {
  work.gateways.add(gateway.number)
  work.ids.add(id)
  work.finished = true
  // Refusals are not remembered: whoever asks again has no answer yet
  if (work.heard === 'refused' && !gateway.outbox.has(id)) work.heard = 'nothing'
  const entry = append(world, gateway, 'charge', work, {
    accountId: work.accountId,
    id,
    birthMs: work.birthMs,
    actual: work.price,
    row: work.row,
    levels: work.levels,
  })
  if (!world.rules.chargesInOutbox) gateway.outbox.delete(id)
  if (entry.sending === 0) yield* sendEntry(world, gateway, entry)
}

/** Asks until there is an answer; some callers ask again long after they had it. */
export function askFor(world: World, work: Work, attempt = 0): void {
  const { scheduler, random, rules, mix } = world
  const gateway = random.pick(world.gateways.filter((one) => one.isUp).concat(world.gateways[0]!))
  const id = rules.derivedIds || attempt === 0 ? work.id : `${work.id}.${attempt}`
  const late = work.heard !== 'nothing'
  if (gateway.isUp && (!late || mix.ancientRetries))
    scheduler.spawn(groupOf(gateway), oneShot(world, gateway, work, id))
  if (attempt > 6 || (late && attempt > 0 && !mix.ancientRetries)) return
  const again = (): void => {
    if (work.heard === 'nothing' || (mix.ancientRetries && !world.calm)) askFor(world, work, attempt + 1)
  }
  scheduler.after(random.between(20_000, mostRetryMs), again)
}
