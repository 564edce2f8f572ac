import { coarse, coarseRows, type ReconcileAnswer } from './account-workflow.ts'
import { keptTaken, leftOfGrant } from './ledger/balance.ts'
import { ackRows } from './ledger/ack-rows.ts'
import { sameRows } from './same-rows.ts'
import { hasLostCommits } from './journal-trust.ts'
import { closeEpoch } from './ledger/close-epoch.ts'
import { putTerms } from './ledger/put-terms.ts'
import { snapshot, type Snapshot } from './ledger/snapshot.ts'
import type { Account, Terms } from './ledger/state.ts'
import { repairAccount } from './repair-account.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { onRedis, type World } from './world.ts'

/** Reports the rows of dirty accounts to their workflows, and lets ended periods leave Redis. */
export function* reconcileAll(world: World): Process {
  const { redis, random } = world
  for (;;) {
    yield* rest(random.between(2_000, 50_000))
    try {
      const due = yield* send('redis', () =>
        [...redis.state.accounts]
          .filter(
            ([accountId, account]) =>
              redis.state.dirty.has(accountId) || account.earlier.length > 0 || hasExpired(world, account),
          )
          .map(([accountId]) => accountId),
      )
      for (const accountId of due) yield* reconcileOne(world, accountId)
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

/** A grant has ended of which something is left: its workflow wants a snapshot from after that. */
function hasExpired({ redis }: World, account: Account): boolean {
  const ended = account.terms.expiring.filter((grant) => grant.untilMs <= redis.nowMs())
  return ended.some((grant) => leftOfGrant(grant, keptTaken(redis, account)) > 0)
}

function* reconcileOne(world: World, accountId: string): Process {
  const { redis, rules } = world
  const taken = yield* report(world, accountId)
  if (taken === null) return
  let { read, answer } = taken
  if (answer.status === 'lineage' && rules.otherLineageRepairs)
    return yield* repairAccount(world, accountId, read.account.lineage, 'another life')
  if (answer.status === 'behind' && !(answer.seq === read.account.seq && answer.sameRows)) {
    // Another report may have come meanwhile: only what is still behind went back in time
    const again = yield* report(world, accountId)
    if (again === null) return
    read = again.read
    answer = again.answer
    if (answer.status === 'behind') {
      const { seq } = read.account
      if (seq < answer.seq && rules.behindRepairs)
        return yield* repairAccount(world, accountId, read.account.lineage, 'behind')
      if (seq === answer.seq && !answer.sameRows && rules.forkRepairs)
        return yield* repairAccount(world, accountId, read.account.lineage, 'a fork')
      if (seq !== answer.seq) return
    }
  }
  if (answer.status === 'lineage') return
  const { lineage, seq } = read.account
  yield* send('redis', () => ackRows(redis, accountId, { lineage, seq }))
  yield* closeEnded(world, accountId, read, answer.terms)
}

/** Sends all rows, and brings back terms that are newer than those of Redis. */
function* report(world: World, accountId: string): Process<{ read: Snapshot; answer: ReconcileAnswer } | null> {
  const { redis, workflows, rules, story } = world
  const read = yield* send('redis', () => snapshot(redis, accountId))
  if (read.status !== 'loaded') return null
  const account = world.accounts.get(accountId)!
  const sent = { ...read, epochs: coarseRows(read) }
  const answer = yield* send('workflow', () => workflows.reconcile(account, sent))
  story.tell(
    { accountId },
    () => `${accountId} reports life ${read.account.lineage}, seq ${read.account.seq}: ${answer.status}`,
  )
  if (rules.answersCarryTerms && answer.terms.version > read.account.terms.version) {
    yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, answer.terms)))
  }
  return { read, answer }
}

function* closeEnded(world: World, accountId: string, { account }: Snapshot, terms: Terms): Process {
  const ended = new Set([...account.earlier, ...terms.earlier].map((one) => one.epoch))
  for (const epoch of ended) yield* close(world, accountId, account.lineage, epoch)
}

/** A period that has ended leaves Redis, and is closed. */
export function* close(world: World, accountId: string, lineage: number, epoch: number): Process {
  const { redis, workflows, story, rules } = world
  if (rules.closesWhatJournalConfirms && !(yield* journalMayDecide(world, accountId, lineage, epoch))) return
  const workflow = world.accounts.get(accountId)!
  const isArchived = workflow.state.periods.find((period) => period.epoch === epoch)?.closed === true
  if (isArchived && rules.archivedLeaves) return yield* removeAgain(world, accountId, lineage, epoch)
  const { status } = yield* send('redis', () =>
    onRedis(world, accountId, 'closeEpoch', () => closeEpoch(redis, accountId, { lineage, epoch })),
  )
  if (status !== 'closed' && status !== 'absent') return
  const archive = yield* confirmed(world, accountId, epoch)
  if (archive === null) return
  const after = yield* send('workflow', () => workflows.closeEpoch(workflow, { epoch, lineage, rows: archive }))
  story.tell({ accountId }, () => `period ${epoch} of ${accountId} leaves Redis (${status}) and is closed`)
  yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, after)))
}

/** Redis went back, and holds a period that the workflow has closed. It leaves once the archive has all that was booked in it since. */
function* removeAgain(world: World, accountId: string, lineage: number, epoch: number): Process {
  const { redis, workflows, story } = world
  const read = yield* send('redis', () => snapshot(redis, accountId))
  if (read.status !== 'loaded' || read.account.lineage !== lineage || read.account.drained < read.account.n) return
  const archive = yield* confirmed(world, accountId, epoch)
  if (archive === null) return
  const workflow = world.accounts.get(accountId)!
  const closing = { epoch, lineage, rows: archive }
  const after = yield* send('workflow', () => workflows.closeEpoch(workflow, closing))
  yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, after)))
  if (workflow.state.lineage !== lineage) return
  const { status } = yield* send('redis', () =>
    onRedis(world, accountId, 'removeAgain', () =>
      closeEpoch(redis, accountId, { lineage, epoch, archivedN: read.account.n }),
    ),
  )
  story.tell({ accountId }, () => `period ${epoch} of ${accountId} came back, and leaves again: ${status}`)
}

/** What the journal has of the period, null while it is not to be believed. */
function* confirmed(world: World, accountId: string, epoch: number): Process<ReturnType<typeof coarse> | null> {
  const { redis, journal, rules } = world
  const loaded = redis.state.accounts.get(accountId)
  if (loaded === undefined) return null
  const { bornIn, lineage, drained } = loaded
  const { totals, lostCommits } = yield* send('journal', () => ({
    totals: journal.totals(accountId, [epoch]),
    lostCommits: hasLostCommits(world, accountId, { bornIn, lineage, drained }),
  }))
  if (lostCommits && rules.closesWhatJournalConfirms) return null
  const known = world.accounts.get(accountId)!.state.periods.find((period) => period.epoch === epoch)?.rows ?? {}
  return rules.archiveTakesJournal ? coarse(totals.epochs[epoch] ?? {}) : { ...known }
}

/** After this there is no other copy of what a period spent: it stays while the journal cannot be believed, or says something else. */
function* journalMayDecide(world: World, accountId: string, lineage: number, epoch: number): Process<boolean> {
  const { redis, journal, rules } = world
  const read = yield* send('redis', () => snapshot(redis, accountId))
  if (read.status !== 'loaded' || read.account.lineage !== lineage) return false
  const { account } = read
  if (account.current.epoch <= epoch || (rules.epochLeavesDrained && account.drained < account.n)) return false
  const { totals, lostCommits } = yield* send('journal', () => ({
    totals: journal.totals(accountId, [epoch], { lineage, n: account.n }),
    lostCommits: hasLostCommits(world, accountId, account),
  }))
  if (lostCommits) return false
  const book = account.earlier.find((one) => one.epoch === epoch)
  const archive = world.accounts.get(accountId)!.state.periods.find((period) => period.epoch === epoch)
  // What the ledger holds of a period that is closed already is old: it went back in time
  if (book === undefined || archive?.closed === true) return true
  return sameRows(coarse(book.rows), coarse(totals.epochs[epoch] ?? {}))
}
