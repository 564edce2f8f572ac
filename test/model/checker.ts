import { coarse, coarseRows, type View } from './account-workflow.ts'
import { correct, type Correction } from './ledger/correct.ts'
import { hasLostCommits } from './journal-trust.ts'
import { putTerms } from './ledger/put-terms.ts'
import { isOpen } from './ledger/windows.ts'
import { snapshot, type Snapshot } from './ledger/snapshot.ts'
import type { Account, Row } from './ledger/state.ts'
import type { Totals } from './journal.ts'
import { close } from './reconciler.ts'
import { sameRows } from './same-rows.ts'
import { repairAccount } from './repair-account.ts'
import { type Process, rest, send, Unavailable } from './scheduler.ts'
import { BooksBroken, onRedis, type World } from './world.ts'

/** A check begins this long after the one before it at the latest, ms. */
export const longestCheckMs = 180_000

/** Waits this long for receipts on their way. */
const mostWaits = 40

/** The three-way check, over all loaded accounts in turn, and the archives of ended periods with it. */
export function* check(world: World): Process {
  const { redis, random } = world
  for (;;) {
    yield* rest(random.between(20_000, longestCheckMs))
    try {
      const loaded = yield* send('redis', () => [...redis.state.accounts.keys()])
      for (const accountId of loaded) {
        yield* checkOne(world, accountId)
        yield* compareArchives(world, accountId)
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error
    }
  }
}

function* checkOne(world: World, accountId: string): Process {
  const { redis, journal, workflows, rules, truth, story } = world
  const account = world.accounts.get(accountId)!
  const before = yield* send('redis', () => redis.state.accounts.get(accountId)?.lineage)
  if (before === undefined) return
  // First the others, then Redis: Redis can only have more by then, unless it went back in time
  const view = rules.checkAsksWorkflow ? yield* send('workflow', () => workflows.view(account)) : null
  const highest = yield* send('journal', () => journal.highestN(accountId, before, before))
  const read = yield* send('redis', () => snapshot(redis, accountId))
  if (read.status !== 'loaded' || read.account.lineage !== before) return
  const { lineage, bornIn, n, corrections, seq } = read.account
  const why = view === null ? null : wentBack(world, view, read)
  if (why !== null) return yield* repairAccount(world, accountId, lineage, why)
  if (n < highest && rules.nBeforeSnapshot)
    return yield* repairAccount(world, accountId, lineage, `n is ${n}, the journal has ${highest}`)
  if (view !== null && rules.answersCarryTerms && view.terms.version > read.account.terms.version)
    yield* send('redis', () => onRedis(world, accountId, 'putTerms', () => putTerms(redis, accountId, view.terms)))
  let { drained } = read.account
  for (let waits = 0; rules.waitForDrained && drained < n; waits += 1) {
    yield* rest(world.random.between(2_000, 10_000))
    const now = yield* send('redis', () => marksOf(redis.state.accounts.get(accountId)))
    // It went back in time since: what the snapshot counts will not arrive
    if (now === null || now.lineage !== lineage || now.n < n || waits > mostWaits) return
    drained = now.drained
  }
  const epochs = [read.account.current, ...read.account.earlier].map((book) => book.epoch)
  // One moment: a backup restored between two reads would pass
  const { totals, lostCommits } = yield* send('journal', () => ({
    totals: journal.totals(accountId, epochs, rules.higherNLeftOut ? { lineage, n } : undefined),
    lostCommits: hasLostCommits(world, accountId, { bornIn, lineage, drained }),
  }))
  if (lostCommits) {
    // Taking it at its word would refund real charges
    truth.pages += 1
    return
  }
  const difference = differenceOf(world, read.account, totals)
  if (difference.rows.length === 0 && difference.windows.length === 0) return
  const correction: Correction = { accountId, lineage, corrections, seq, ...difference }
  yield* send('redis', () =>
    onRedis(world, accountId, 'correct', () => {
      const { status } = correct(redis, correction)
      const added = correction.rows.reduce((total, row) => total + Math.max(0, row.add.charged), 0)
      // A clock that is set back opens windows again that were dropped
      const harmless = correction.rows.length === 0 && world.truth.clocksJumped
      const takenBack = correction.rows.reduce((total, row) => total + row.add.charged, 0) < 0
      if (status === 'corrected' && takenBack && world.truth.journalRestored && !world.truth.rolledBack) {
        throw new BooksBroken(`${accountId} is refunded what a restored journal does not know`, { accountId })
      }
      if (status === 'corrected' && !harmless) noteCorrection(world, accountId, added)
      story.tell(
        { accountId },
        () => `${accountId} is corrected by ${JSON.stringify([correction.rows, correction.windows])}: ${status}`,
      )
    }),
  )
}

/** Why the ledger is not the one that its workflow knows, null if it is: nobody need work on it for that to be seen. */
function wentBack({ rules }: World, view: View, read: Snapshot): string | null {
  const { lineage, seq } = read.account
  if (lineage !== view.lineage) return rules.otherLineageRepairs ? 'checked: another life' : null
  if (seq < view.seq) return rules.behindRepairs ? 'checked: behind' : null
  const differs = coarseRows(read).some(({ epoch, rows }) => {
    const period = view.periods.find((one) => one.epoch === epoch)
    return period !== undefined && !period.closed && !sameRows(period.rows, rows)
  })
  return seq === view.seq && differs && rules.forkRepairs ? 'checked: a fork' : null
}

const marksOf = (account: Account | undefined) =>
  account === undefined ? null : { lineage: account.lineage, n: account.n, drained: account.drained }

function noteCorrection({ truth }: World, accountId: string, added: number): void {
  truth.corrections += 1
  truth.correctedUp.set(accountId, (truth.correctedUp.get(accountId) ?? 0) + added)
}

function differenceOf({ redis }: World, account: Account, totals: Totals): Pick<Correction, 'rows' | 'windows'> {
  const rows = [account.current, ...account.earlier].flatMap((book) => {
    const stored = totals.epochs[book.epoch] ?? {}
    const names = new Set([...Object.keys(book.rows), ...Object.keys(stored)])
    return [...names]
      .map((row) => ({ epoch: book.epoch, row, add: minus(stored[row], book.rows[row]) }))
      .filter(({ add }) => add.charged !== 0 || add.uncollected !== 0 || add.units !== 0)
  })
  const names = new Set([...Object.keys(account.windows), ...Object.keys(totals.windows)])
  const windows = [...names]
    .filter((name) => isOpen(redis, name))
    .map((name) => ({ name, add: Math.max(0, totals.windows[name] ?? 0) - (account.windows[name]?.spent ?? 0) }))
    .filter(({ add }) => add !== 0)
  return { rows, windows }
}

function minus(a: Row | undefined, b: Row | undefined): Row {
  return {
    charged: (a?.charged ?? 0) - (b?.charged ?? 0),
    uncollected: (a?.uncollected ?? 0) - (b?.uncollected ?? 0),
    units: (a?.units ?? 0) - (b?.units ?? 0),
  }
}

/** Receipts may be stored after a period was closed: the journal wins, for as long as archives are kept. One that was not closed left Redis, and whoever saw to that died. */
function* compareArchives(world: World, accountId: string): Process {
  const { redis, journal, workflows, rules } = world
  if (!rules.archivesComparedLater || !rules.archiveTakesJournal) return
  const account = world.accounts.get(accountId)!
  const read = yield* send('redis', () => snapshot(redis, accountId))
  if (read.status !== 'loaded') return
  const { lineage, current, earlier } = read.account
  const held = new Set(earlier.map((book) => book.epoch))
  const ended = account.state.periods.filter(({ epoch }) => epoch < current.epoch && !held.has(epoch))
  const { totals, lostCommits } = yield* send('journal', () => ({
    totals: journal.totals(
      accountId,
      ended.map((period) => period.epoch),
    ),
    lostCommits: hasLostCommits(world, accountId, read.account),
  }))
  if (lostCommits || account.state.lineage !== lineage) return
  for (const { epoch, rows, closed } of ended) {
    const archive = coarse(totals.epochs[epoch] ?? {})
    if (!closed && rules.checkCloses) yield* close(world, accountId, lineage, epoch)
    if (!closed || sameRows(archive, rows)) continue
    yield* send('workflow', () => {
      workflows.closeEpoch(account, { epoch, lineage, rows: archive })
      if (workflows.missingAlerts(account) > 0)
        throw new BooksBroken(`an archive of ${accountId} was corrected past an alert`, { accountId })
    })
  }
}
