import { type AccountWorkflow, coarse } from './account-workflow.ts'
import { sameRows } from './same-rows.ts'
import { availableOf, keptTaken, leftOfGrant } from './ledger/balance.ts'
import { quarantineOf } from './ledger/balance.ts'
import { isOpen } from './ledger/windows.ts'
import type { Work } from './truth.ts'
import { BooksBroken, type World } from './world.ts'

/** Why the world is not at rest, '' when it is: nothing held, nothing under way, everybody knows everything. */
export function unrestOf(world: World): string {
  const { redis, gateways, accounts, truth } = world
  if (redis.state.stream.length > 0) return 'receipts wait in the stream'
  for (const [key, hold] of redis.state.holds) if (hold.state === 'active') return `a hold is left: ${key}`
  for (const gateway of gateways) {
    if (!gateway.isUp) return `gateway ${gateway.number} is down`
    for (const id of gateway.outbox.keys()) return `the outbox of gateway ${gateway.number} is not empty: ${id}`
  }
  for (const work of truth.works) if (isUnderWay(work)) return `${work.title} is under way`
  for (const account of accounts.values()) {
    const loaded = redis.state.accounts.get(account.accountId)
    if (loaded === undefined) return `${account.accountId} is not loaded`
    if (redis.state.dirty.has(account.accountId)) return `${account.accountId} is dirty`
    if (quarantineOf(redis, loaded) > 0) return `${account.accountId} has credits in quarantine`
    if (loaded.terms.version !== account.state.termsVersion)
      return `${account.accountId} has terms ${loaded.terms.version} and not ${account.state.termsVersion}`
    if (loaded.earlier.length > 0)
      return `a period of ${account.accountId} has not left Redis: ${loaded.earlier[0]!.epoch}`
    const ended = account.state.periods.find((period) => period.epoch < loaded.current.epoch && !period.closed)
    if (ended !== undefined) return `a period of ${account.accountId} is not closed: ${ended.epoch}`
  }
  return ''
}

function isUnderWay({ kind, finished, died, heard, epoch }: Work): boolean {
  return kind === 'call' && !finished && !died && heard !== 'refused' && epoch > 0
}

/** Holds the books against the truth, once the world is at rest. Throws BooksBroken. */
export function audit(world: World): void {
  for (const work of world.truth.works) auditWork(world, work)
  for (const account of world.accounts.values()) auditAccount(world, account)
  for (const parked of world.truth.parked) {
    const account = world.redis.state.accounts.get(parked.accountId)!
    if (!parked.over && availableOf(world.redis, account) >= parked.need) {
      throw new BooksBroken(`the run of ${parked.name} is still parked, although there is enough`, parked)
    }
  }
  const { corrections, stragglers, rolledBack, journalRestored } = world.truth
  if (!rolledBack && !journalRestored && stragglers.size === 0 && corrections > 0) {
    throw new BooksBroken('something was corrected, although Redis never went back', {})
  }
}

/** Section 10 of the protocol: what each crash and fault may cost. */
function auditWork(world: World, work: Work): void {
  const { journal, truth } = world
  if (truth.journalRestored) return
  const entries = journal.state.log.filter((entry) => entry.accountId === work.accountId && work.ids.has(entry.id))
  const total = entries.reduce((sum, { added }) => sum + added.charged + added.uncollected, 0)
  const settled = entries.filter((entry) => entry.kind === 'settled')
  const say = (what: string): never => {
    throw new BooksBroken(
      `${work.title} of ${work.accountId}: ${what}; the journal has ${total} of ${work.price}`,
      work,
    )
  }
  for (const entry of entries) if (entry.charged < 0 || entry.uncollected < 0) say('a receipt below zero')
  if (settled.length > 1) say('settled more than once')
  const redisWentBack = truth.rolledBack || truth.lost
  if (work.kind === 'charge') {
    if (settled.length > 0 && total !== work.price) say('charged another amount')
    if (entries.some((entry) => entry.uncollected > 0) && !redisWentBack) say('accepted and not collected in full')
    const forgotten = work.outboxLost && redisWentBack
    if (work.heard === 'accepted' && settled.length === 0 && !forgotten) say('accepted and not charged')
    if (work.heard === 'refused' && settled.length > 0 && work.connections.size === 1 && !redisWentBack)
      say('refused and yet charged')
    return
  }
  if (work.finished && !work.outboxLost) {
    if (settled.length !== 1 || total !== work.price) say('finished, and not charged what it cost')
    const covered = !work.uncovered && work.price <= work.held
    if (covered && !redisWentBack && !truth.clocksJumped && settled[0]!.uncollected > 0)
      say(
        `${work.tab === '' ? 'its hold' : `its part of ${work.tab}`} was enough, and ${settled[0]!.uncollected} are uncollected`,
      )
    return
  }
  if (settled.length > 0) {
    if (total !== work.price) say('settled at another price')
    return
  }
  if (total > work.accruedSent) say(`never settled, and charged more than the ${work.accruedSent} that were accrued`)
  if (total < work.accruedRecorded && !redisWentBack)
    say(`never settled, and charged less than the ${work.accruedRecorded} that its hold had recorded`)
}

function auditAccount(world: World, account: AccountWorkflow): void {
  const { redis, journal, truth, workflows } = world
  const { accountId, state } = account
  const say = (what: string): never => {
    throw new BooksBroken(`${accountId}: ${what}`, { accountId })
  }
  if (state.alerts.length !== new Set(state.alerts.map((alert) => `${alert.epoch} ${alert.threshold}`)).size)
    say('an alert stands twice')
  const raised = account.raised.map((alert) => `${alert.threshold} % in period ${alert.epoch}`)
  const twice = raised.find((alert, index) => raised.indexOf(alert) !== index)
  if (twice !== undefined) say(`the alert of ${twice} was raised twice`)
  if (workflows.missingAlerts(account) > 0) say('an alert was never raised')
  if (truth.journalRestored) return

  const loaded = redis.state.accounts.get(accountId)!
  const epochs = state.periods.map((period) => period.epoch)
  const totals = journal.totals(accountId, epochs)
  const spentBy = new Map<number, number>()
  const spentInTime = new Map<number, number>()
  for (const { accountId: whose, epoch, added, late } of journal.state.log) {
    if (whose !== accountId) continue
    spentBy.set(epoch, (spentBy.get(epoch) ?? 0) + added.charged)
    // A late charge may take what the next period has of its own
    if (!late || added.charged < 0) spentInTime.set(epoch, (spentInTime.get(epoch) ?? 0) + added.charged)
  }
  for (const period of state.periods) {
    const { epoch } = period
    const journalRows = coarse(totals.epochs[epoch] ?? {})
    const journalSpent = Object.values(totals.epochs[epoch] ?? {}).reduce((sum, row) => sum + row.charged, 0)
    if (journalSpent !== (spentBy.get(epoch) ?? 0))
      say(`the journal's totals of period ${epoch} are not the sum of its entries`)
    if (!sameRows(journalRows, period.rows)) {
      say(
        `workflow and journal differ in period ${epoch}: ${JSON.stringify(charges(period.rows))} and ${JSON.stringify(charges(journalRows))}`,
      )
    }
    const book = epoch === loaded.current.epoch ? loaded.current : undefined
    if (book !== undefined && !sameRows(journalRows, coarse(book.rows))) {
      say(
        `ledger and journal differ in period ${epoch}: ${JSON.stringify(charges(coarse(book.rows)))} and ${JSON.stringify(charges(journalRows))}`,
      )
    }
  }
  for (const [name, spent] of Object.entries(totals.windows)) {
    if (isOpen(redis, name) && Math.max(0, spent) !== (loaded.windows[name]?.spent ?? 0)) {
      say(`ledger and journal differ in budget ${name}: ${loaded.windows[name]?.spent ?? 0} and ${spent}`)
    }
  }

  const kept = state.grants.filter((grant) => !grant.resets).reduce((sum, grant) => sum + grant.amount, 0)
  if (kept !== truth.kept.get(accountId))
    say(`${truth.kept.get(accountId)} kept credits were granted, and it has ${kept}`)
  const lapsed = account.expiring.reduce((sum, grant) => sum + grant.lapsed, 0)
  const taken = state.periods.reduce(
    (sum, { epoch, free }) => sum + Math.max(0, (spentInTime.get(epoch) ?? 0) - free),
    0,
  )
  // What was taken again after Redis went back is found by the check
  const uncounted = state.periods.reduce(
    (sum, { epoch }) => sum + (truth.uncounted.get(`${accountId} ${epoch}`) ?? 0),
    0,
  )
  const excused = (truth.correctedUp.get(accountId) ?? 0) + (truth.undone.get(accountId) ?? 0) + uncounted
  if (taken > kept - lapsed + excused) {
    const periods = state.periods.map(
      ({ epoch, free }) => `${spentInTime.get(epoch) ?? 0} with ${free} of its own in period ${epoch}`,
    )
    say(
      `${taken} of its ${kept} kept credits were spent, ${lapsed} lapsed and ${excused} were undone or corrected: ${periods.join(', ')}`,
    )
  }
  for (const grant of loaded.terms.expiring) {
    const left = leftOfGrant(grant, keptTaken(redis, loaded))
    if (grant.untilMs < redis.nowMs() && left > 0)
      say(`${left} credits of ${grant.id} have expired and can still be spent`)
  }
}

const charges = (rows: ReturnType<typeof coarse>) =>
  Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, [row.charged, row.uncollected]]))
