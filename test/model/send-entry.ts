import type { Gateway } from './gateway.ts'
import { charge } from './ledger/charge.ts'
import type { Evidence } from './ledger/gate.ts'
import { settle, type SettleRequest } from './ledger/settle.ts'
import { bookOf, holdOf } from './ledger/state.ts'
import { loadAccount } from './loader.ts'
import type { OutboxEntry } from './outbox.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { BooksBroken, onRedis, type World } from './world.ts'

const mostAttempts = 8

/** Sends one settlement or one-shot until there is a definite answer, or for now no use in going on: the outbox comes back to it. */
export function* sendEntry(world: World, gateway: Gateway, entry: OutboxEntry): Process {
  entry.sending += 1
  entry.work.connections.add(connectionOf(gateway))
  yield* attempts(world, gateway, entry)
  entry.sending -= 1
}

function* attempts(world: World, gateway: Gateway, entry: OutboxEntry): Process {
  const { rules, redis, journal, story } = world
  const { request, work } = entry
  const about = { accountId: request.accountId, id: request.id }
  const said = (what: string): void =>
    story.tell(about, () => `gateway ${gateway.number} ${entry.kind}s ${work.title} for ${request.actual}: ${what}`)
  let evidence: Evidence | undefined
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    // Another attempt was refused, and its record is gone: so is this one
    if (
      rules.oneAttemptAtATime &&
      attempt > 0 &&
      entry.kind === 'charge' &&
      gateway.outbox.get(request.id) !== entry &&
      rules.chargesInOutbox
    )
      return
    try {
      const known = evidence
      const { accepted } = entry
      const answer = yield* send(
        'redis',
        () =>
          onRedis(world, request.accountId, entry.kind, () =>
            entry.kind === 'settle'
              ? settleInItsEpoch(world, request, known)
              : onOwnEvidence(world, request, known, () => charge(redis, { ...request, accepted }, known)),
          ),
        `${connectionOf(gateway)} ${request.id}`,
      )
      if (answer.status === 'ask_journal') {
        said('Redis asks for the journal')
        const found = yield* send('journal', () => journal.find(request))
        evidence = { lineage: answer.lineage, nowMs: answer.nowMs, found }
        continue
      }
      if (answer.status === 'account_not_loaded') {
        said('the account is not loaded')
        evidence = undefined
        yield* loadAccount(world, request.accountId)
        continue
      }
      if (answer.status === 'insufficient' || answer.status === 'budget_exhausted') {
        said(answer.status)
        if (entry.accepted) throw new BooksBroken(`${work.title} was accepted before, and is refused now`, work)
        if (!entry.accepted) {
          gateway.outbox.delete(request.id)
          work.heard = 'refused'
        }
        return
      }
      said(
        'charged' in answer
          ? `${answer.status}, ${answer.charged} and ${answer.uncollected} uncollected`
          : answer.status,
      )
      if (answer.status === 'too_old') return
      entry.accepted = true
      work.heard = 'accepted'
      if (!rules.keptUntilJournal) gateway.outbox.delete(request.id)
      return
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
      said('no answer')
      if (!rules.indefiniteIsNoAnswer) {
        gateway.outbox.delete(request.id)
        return
      }
      yield* rest(world.random.between(100, 4_000))
    }
  }
}

/** Another process of a gateway has another connection: what the one before it has sent may still arrive. */
const connectionOf = ({ number, life }: Gateway): string => `${number} ${life}`

/** What the journal said in an earlier life is not what it knows now. */
function onOwnEvidence<A extends { readonly status: string }>(
  { redis, journal }: World,
  request: SettleRequest,
  evidence: Evidence | undefined,
  run: () => A,
): A {
  const life = redis.state.accounts.get(request.accountId)?.lineage
  const isKnown = holdOf(redis, request) === undefined && journal.isSettled(request)
  const answer = run()
  if (evidence !== undefined && evidence.lineage < (life ?? 0) && isKnown && answer.status === 'settled')
    throw new BooksBroken(
      `${request.id} is charged again in life ${life}, by what the journal said in life ${evidence.lineage}`,
      request,
    )
  return answer
}

/** A call is booked in the period in which it began, for as long as Redis holds that. */
function settleInItsEpoch(world: World, request: SettleRequest, evidence: Evidence | undefined) {
  const { redis, truth } = world
  const account = redis.state.accounts.get(request.accountId)
  const hold = holdOf(redis, request)
  // A reserve that comes a second time after Redis went back begins in the period that it went back to
  const epoch = (truth.rolledBack ? hold?.epoch : undefined) ?? request.began?.epoch ?? 0
  const isThere = account !== undefined && bookOf(account, epoch) !== undefined && evidence?.found == null
  const answer = onOwnEvidence(world, request, evidence, () => settle(redis, request, evidence))
  const booked = redis.state.stream.at(-1)?.receipt
  if (isThere && answer.status === 'settled' && booked?.id === request.id && booked.epoch !== epoch) {
    throw new BooksBroken(`${request.id} began in period ${epoch} and is booked in period ${booked.epoch}`, request)
  }
  return answer
}
