import { append, type Gateway, groupOf } from './gateway.ts'
import { extend } from './ledger/extend.ts'
import type { Evidence } from './ledger/gate.ts'
import { release } from './ledger/release.ts'
import { reserve } from './ledger/reserve.ts'
import { tightest, windowName } from './ledger/windows.ts'
import { loadAccount } from './loader.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { sendEntry } from './send-entry.ts'
import { renewTab, settleOnTab, takePart } from './tabs.ts'
import type { Work } from './truth.ts'
import { BooksBroken, onRedis, type World } from './world.ts'

const leaseMs = 60_000
const mostTurns = 6

interface Reserved {
  readonly held: number
  readonly epoch: number
  readonly windows: readonly string[]
}

/** One model call through a gateway: reserve, or a part of a tab, work in slices, settle. Answers whether it was let in. */
export function* call(world: World, gateway: Gateway, work: Work): Process<boolean> {
  const { scheduler, story, rules } = world
  const about = { accountId: work.accountId, id: work.id }
  const tab = work.inCompany ? takePart(world, gateway, work) : null
  const reserved = tab === null ? yield* open(world, gateway, work) : { ...tab.began, held: work.hold }
  if (reserved === null) return false
  work.epoch = reserved.epoch
  work.held = reserved.held
  // Nothing was armed at the reserve: a price that is due whatever happens is armed now
  for (let slice = 1; slice <= work.slices; slice += 1) {
    yield* rest(slice === work.slices ? work.lastSliceMs : work.sliceMs)
    const accrued = Math.floor((work.price * slice) / work.slices)
    if (slice === work.slices) break
    if (tab !== null) {
      // A part accrues nothing: what the call will cost is not known before its end
      yield* renewTab(world, tab)
      continue
    }
    const more = accrued >= work.held - 2 ? Math.max(0, Math.min(work.price - work.held, 15)) : 0
    const answer = yield* progress(world, gateway, work, accrued, more)
    if (answer !== null) work.held = answer
  }
  if (scheduler.nowMs() % 7 < world.mix.cheapEnds * 7 && work.slices > 1) work.price = Math.floor(work.price / 3)
  work.finished = true
  story.tell(about, () => `${work.title} is finished and cost ${work.price}`)
  const request = {
    accountId: work.accountId,
    id: work.id,
    birthMs: work.birthMs,
    actual: work.price,
    row: work.row,
    levels: work.levels,
    began: { epoch: reserved.epoch, windows: reserved.windows },
  }
  const entry = append(world, gateway, 'settle', work, request)
  if (!rules.appendBeforeSend) gateway.outbox.delete(work.id)
  if (tab !== null) settleOnTab(world, gateway, tab, entry)
  else scheduler.spawn(groupOf(gateway), sendEntry(world, gateway, entry))
  return true
}

function* progress(world: World, gateway: Gateway, work: Work, accrued: number, more: number): Process<number | null> {
  const { redis, story } = world
  work.accruedSent = Math.max(work.accruedSent, accrued)
  try {
    const answer = yield* send('redis', () =>
      onRedis(world, work.accountId, 'extend', () => {
        const extended = extend(redis, { ...nameOf(work), accrued, more, ttlMs: leaseMs })
        if (extended.status !== 'hold_not_found') work.accruedRecorded = Math.max(work.accruedRecorded, accrued)
        return extended
      }),
    )
    story.tell(
      nameOf(work),
      () => `gateway ${gateway.number} extends ${work.title}, accrued ${accrued}: ${answer.status}`,
    )
    return answer.status === 'hold_not_found' ? null : answer.held
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    story.tell(nameOf(work), () => `gateway ${gateway.number} extends ${work.title}, accrued ${accrued}: no answer`)
    return null
  }
}

function* open(world: World, gateway: Gateway, work: Work): Process<Reserved | null> {
  const { redis, journal, rules, scheduler, story } = world
  const said = (what: string): void =>
    story.tell(nameOf(work), () => `gateway ${gateway.number} reserves ${work.hold} for ${work.title}: ${what}`)
  let evidence: Evidence | undefined
  try {
    const leftByLevels = rules.levelsInOneScript ? undefined : yield* send('redis', () => leftOf(world, work))
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const known = evidence
      const answer = yield* send('redis', () =>
        onRedis(world, work.accountId, 'reserve', () => {
          const request = {
            ...nameOf(work),
            amount: work.hold,
            minimum: Math.min(work.hold, 3),
            ttlMs: leaseMs,
            row: work.row,
            levels: work.levels,
          }
          const reserved = reserve(redis, leftByLevels === undefined ? request : { ...request, leftByLevels }, known)
          if (reserved.status === 'created') checkCreated(world, work, reserved.windows)
          return reserved
        }),
      )
      said(answer.status)
      if (answer.status === 'created' || answer.status === 'exists') return answer
      if (answer.status === 'account_not_loaded') {
        evidence = undefined
        yield* loadAccount(world, work.accountId)
      } else if (answer.status === 'ask_journal') {
        const found = yield* send('journal', () => journal.find(work))
        evidence = { lineage: answer.lineage, nowMs: answer.nowMs, found }
      } else {
        work.heard = 'refused'
        return null
      }
    }
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    said('no answer, given up')
    scheduler.spawn(groupOf(gateway), releaseLate(world, gateway, work))
  }
  return null
}

function leftOf({ redis }: World, work: Work): number {
  const account = redis.state.accounts.get(work.accountId)
  const windows = work.levels.map((level) => windowName(level, redis.nowMs()))
  return account === undefined
    ? Number.POSITIVE_INFINITY
    : (tightest(account, windows)?.left ?? Number.POSITIVE_INFINITY)
}

/** A hold that was just made fits every budget, and nobody was told that it will not be made. */
function checkCreated(world: World, work: Work, windows: readonly string[]): void {
  const account = world.redis.state.accounts.get(work.accountId)!
  for (const name of windows) {
    const limit = account.terms.limits[name.slice(0, name.lastIndexOf('|'))]
    const window = account.windows[name]
    if (limit !== undefined && window !== undefined && window.spent + window.held > limit) {
      throw new BooksBroken(
        `${work.title} was let in beyond the budget of ${name}: ${window.spent} spent, ${window.held} held, ${limit} at most`,
        work,
      )
    }
  }
  const { rolledBack, journalRestored, clocksJumped } = world.truth
  if (world.journal.isSettled(work) && !rolledBack && !journalRestored && !clocksJumped) {
    throw new BooksBroken(`${work.title} holds credits again, although it is settled`, work)
  }
  if (work.releaseAnswered && !world.truth.rolledBack && !world.truth.lost && !world.truth.clocksJumped) {
    throw new BooksBroken(`${work.title} holds credits, although its release was answered`, work)
  }
}

function* releaseLate(world: World, gateway: Gateway, work: Work): Process {
  const { redis, story } = world
  for (let attempt = 0; attempt < 4; attempt += 1) {
    try {
      const answer = yield* send('redis', () =>
        onRedis(world, work.accountId, 'release', () => release(redis, nameOf(work))),
      )
      story.tell(nameOf(work), () => `gateway ${gateway.number} releases ${work.title}: ${answer.status}`)
      if (answer.status === 'released') work.releaseAnswered = true
      return
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      yield* rest(250 * 2 ** attempt)
    }
  }
}

const nameOf = ({ accountId, id, birthMs }: Work) => ({ accountId, id, birthMs })
