import fc from 'fast-check'
import { expect } from 'vitest'
import { rawOf } from '../../credits/balance.ts'
import { type ChargeId, chargeId } from '../../credits/charge-id.ts'
import { type Micro, toMicro } from '../../credits/money.ts'
import type { BudgetTerms, Terms } from '../../credits/terms.ts'
import { noQuantities, rowKey } from '../../credits/usage-row.ts'
import { shardOf } from '../../ledger/keys.ts'
import type { Correction, Evidence } from '../../ledger/ledger.ts'
import { audit } from './audit.ts'
import { type GivenLedger, detailOf, quantities, row, termsOf } from './given.ts'
import { type JournalDouble, createJournalDouble } from './journal-double.ts'
import { type ModelLedger, type MoneyLedger, createModelLedger } from './model-ledger.ts'

/** Small enough that every limit is met soon. */
export const options = { depletedBelow: toMicro(3), exposureCap: toMicro(45), quarantineMs: 90_000 }
const accountIds = ['model-a', 'model-b', 'model-c']
const shards = [...new Set(accountIds.map(shardOf))]

/** What the outside world knows: the workflow's terms and lineages, the journal, and the ids that callers made. */
export interface World {
  readonly model: ModelLedger
  readonly journal: JournalDouble
  readonly terms: Map<string, Terms>
  readonly lineages: Map<string, number>
  readonly ids: Map<string, ChargeId[]>
}

export interface Real {
  readonly given: GivenLedger
}

/** Every word that the ledger has answered, by operation. */
export const reached = new Set<string>()

/** Runs one operation on both and expects one answer. */
async function both<T>(
  world: World,
  real: Real,
  name: string,
  run: (ledger: MoneyLedger) => Promise<T>,
  /** Before sums are compared: what the answer means outside the ledger. */
  meanwhile: (answer: T) => void = () => {},
): Promise<T> {
  const before = new Map<string, number>()
  for (const accountId of accountIds) {
    const account = await world.model.read(accountId)
    if (account.status === 'loaded') before.set(accountId, rawOf(account))
  }
  const expected = await run(world.model)
  const answer = await run(real.given.ledger)
  expect({ [name]: answer }).toEqual({ [name]: expected })
  reached.add(`${name} ${wordOf(answer)}`)
  meanwhile(answer)
  const accounts = await Promise.all(accountIds.map((accountId) => real.given.ledger.read(accountId)))
  for (const [index, accountId] of accountIds.entries()) {
    const account = accounts[index]!
    const expectedAccount = await world.model.read(accountId)
    expect({ after: name, account }).toEqual({ after: name, account: expectedAccount })
    if (account.status === 'loaded' && !['putTerms', 'correct'].includes(name) && before.has(accountId)) {
      // Only new terms and corrections may leave a deficit
      expect(rawOf(account)).toBeGreaterThanOrEqual(Math.min(0, before.get(accountId)!))
    }
  }
  await audit(real.given.redis, real.given.ledger, world.journal, accountIds)
  // The audit takes snapshots, which date the dirty marks anew
  for (const accountId of accountIds) await world.model.snapshot(accountId)
  return answer
}

function wordOf(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'status' in answer) return String(answer.status)
  return typeof answer === 'string' || typeof answer === 'boolean' ? String(answer) : 'answered'
}

type Step = fc.AsyncCommand<World, Real>

function step(text: string, run: (world: World, real: Real) => Promise<void>): Step {
  return { check: () => true, run, toString: () => text }
}

interface Pick {
  readonly account: number
  /** Which of the ids made so far; beyond them, a new one. */
  readonly id: number
  readonly born: number
}

function named(world: World, real: Real, pick: Pick): { accountId: string; id: ChargeId } {
  const accountId = accountIds[pick.account]!
  const ids = world.ids.get(accountId)!
  if (pick.id < ids.length) return { accountId, id: ids[ids.length - 1 - pick.id]! }
  const id = chargeId(real.given.clock.nowMs() + pick.born, `k${ids.length}`)
  ids.push(id)
  return { accountId, id }
}

/** Asked to look into the journal, does so and repeats the operation; some callers come back too late. */
async function withEvidence(
  world: World,
  real: Real,
  name: string,
  target: { accountId: string; id: ChargeId },
  run: (ledger: MoneyLedger, evidence?: Evidence) => Promise<{ status: string }>,
): Promise<void> {
  const answer = await both(world, real, name, (ledger) => run(ledger))
  if (answer.status !== 'ask_journal') return
  const { lineage, nowMs } = answer as unknown as Evidence
  const evidence = { lineage, nowMs, found: world.journal.find(target.accountId, target.id) }
  await both(world, real, name, (ledger) => run(ledger, evidence))
}

const amounts = fc.oneof(fc.constantFrom(0, 1, 5, 5, 10, 20), fc.integer({ min: 0, max: 30 })).map(toMicro)
const picks = fc.record({
  account: fc.constantFrom(0, 0, 0, 1, 2),
  id: fc.constantFrom(0, 0, 1, 1, 2, 3, 9, 99, 99),
  // Never further ahead than clocks may differ: what an outright wrong clock does is in docs/ledger.md
  born: fc.constantFrom(0, 0, 0, 0, -30_000, -3_600_000, 50_000),
})
const levels = fc.constantFrom([], ['employee:ada'], ['employee:ada', 'organization:lab'], ['task:one', 'task:one'])
const rows = fc.constantFrom(row, { ...row, employee: 'bob' }, { ...row, model: 'practice/large', tier: 'advanced' })
export const budgets: fc.Arbitrary<readonly BudgetTerms[]> = fc.uniqueArray(
  fc.record({
    level: fc.constantFrom('employee:ada', 'organization:lab', 'task:one'),
    limit: fc.constantFrom(2, 8, 15, 25).map(toMicro),
    window: fc.constantFrom('day', 'week', 'month', 'total'),
    atLimit: fc.constantFrom('notify', 'pause', 'stop'),
  }),
  { selector: ({ level }) => level, maxLength: 3 },
)

const [
  reserves,
  extensions,
  settlements,
  companies,
  charges,
  releases,
  expirations,
  sweeps,
  advances,
  terms,
  ...others
] = [
  fc
    .tuple(picks, amounts, amounts, levels, rows, fc.constantFrom(1, 30_000, 120_000), fc.constantFrom(0, 0, 5))
    .map(([pick, one, other, at, where, ttlMs, free]) =>
      step(`reserve ${JSON.stringify([pick, one, other, at, ttlMs, free])}`, async (world, real) => {
        const name = named(world, real, pick)
        const [minimum, amount] = one < other ? [one, other] : [other, one]
        const request = { ...name, amount, minimum, ttlMs, row: where, levels: at, beside: toMicro(free) }
        await withEvidence(world, real, 'reserve', name, (ledger, evidence) => ledger.reserve(request, evidence))
      }),
    ),
  fc.tuple(picks, amounts, amounts, fc.constantFrom(1, 60_000)).map(([pick, accrued, more, ttlMs]) =>
    step(`extend ${JSON.stringify([pick, accrued, more, ttlMs])}`, async (world, real) => {
      const name = named(world, real, pick)
      await both(world, real, 'extend', (ledger) => ledger.extend({ ...name, accrued, more, ttlMs }))
    }),
  ),
  fc.tuple(picks, amounts, levels, rows, fc.option(fc.constantFrom(1, 2, 9))).map(([pick, actual, at, where, began]) =>
    step(`settle ${JSON.stringify([pick, actual, at, began])}`, async (world, real) => {
      const name = named(world, real, pick)
      const request = {
        ...name,
        actual,
        row: where,
        levels: at,
        quantities: { ...quantities, outputTokens: actual },
        detail: detailOf(actual),
        ...(began === null ? {} : { began: { epoch: began, windows: ['employee:ada|all'] } }),
      }
      await withEvidence(world, real, 'settle', name, (ledger, evidence) => ledger.settle(request, evidence))
    }),
  ),
  fc
    .tuple(
      picks,
      fc.constantFrom(undefined, 0, 0, 4),
      fc.array(fc.tuple(picks, amounts, amounts, rows), { maxLength: 4 }),
    )
    .map(([pick, left, parts]) =>
      step(`settleTogether ${JSON.stringify([pick, left, parts])}`, async (world, real) => {
        const { accountId, id: hold } = named(world, real, pick)
        const calls = parts.map(([one, actual, part, where]) => ({
          id: named(world, real, { ...one, account: pick.account }).id,
          actual,
          part,
          row: where,
          quantities: { ...quantities, outputTokens: actual },
          detail: detailOf(actual),
        }))
        const keeps = left === undefined ? undefined : toMicro(left)
        const request = { accountId, hold, keeps, calls: calls.filter(({ id }) => id !== hold) }
        const { calls: answers = [] } = (await both(world, real, 'settleTogether', (ledger) =>
          ledger.settleTogether(request),
        )) as { calls?: readonly { status: string }[] }
        for (const { status } of answers) reached.add(`settleTogether call ${status}`)
      }),
    ),
  fc
    .tuple(picks, amounts, levels, rows, fc.constantFrom(false, false, true))
    .map(([pick, actual, at, where, accepted]) =>
      step(`charge ${JSON.stringify([pick, actual, at, accepted])}`, async (world, real) => {
        const name = named(world, real, pick)
        const request = { ...name, actual, row: where, levels: at, quantities, detail: detailOf(actual), accepted }
        await withEvidence(world, real, 'charge', name, (ledger, evidence) => ledger.charge(request, evidence))
      }),
    ),
  picks.map((pick) =>
    step(`release ${JSON.stringify(pick)}`, async (world, real) => {
      const name = named(world, real, pick)
      await withEvidence(world, real, 'release', name, (ledger, evidence) => ledger.release(name, evidence))
    }),
  ),
  picks.map((pick) =>
    step(`expire ${JSON.stringify(pick)}`, async (world, real) => {
      const name = named(world, real, pick)
      await both(world, real, 'expire', (ledger) => ledger.expire(name))
    }),
  ),
  fc.constant(
    step('sweep', async (world, real) => {
      const limits = { dirtyOlderThanMs: 1_000, perShard: 3 }
      const waiting = await both(world, real, 'pending', (ledger) => ledger.pending(shards, limits))
      for (const { due } of waiting) {
        for (const name of due) await both(world, real, 'expire', (ledger) => ledger.expire(name))
      }
    }),
  ),
  fc
    .constantFrom(1, 1, 1_000, 1_000, 61_000, 200_000, 700_000, 86_400_000)
    .map((ms) => step(`advance ${ms}`, async (_, real) => real.given.clock.advance(ms))),
  fc
    .tuple(
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom(0, 10, 30, 60, 90),
      fc.constantFrom(0, 0, 0, 1, 2),
      budgets,
      fc.constantFrom(1, 1, 1, 0, -1),
      amounts,
      fc.boolean(),
    )
    .map(([account, granted, rollover, limits, newer, free, counts]) =>
      step(
        `putTerms ${JSON.stringify([account, granted, rollover, limits, newer, free, counts])}`,
        async (world, real) => {
          const accountId = accountIds[account]!
          const old = world.terms.get(accountId)!
          const known = await world.model.read(accountId)
          const epoch = old.epoch + rollover
          // As the workflow would: earlier periods with what it has counted of them
          const books = known.status === 'loaded' ? [...known.earlier, { ...known, free, counted: 0 }] : []
          const earlier = books
            .filter((book) => book.epoch < epoch)
            .map((book) => ({
              epoch: book.epoch,
              free: toMicro(Math.max(free, 0)),
              counted: toMicro(counts ? Math.max(0, book.spent) : 0),
            }))
          const terms = termsOf({
            version: old.version + newer,
            epoch,
            granted: toMicro(granted),
            earlier: earlier.slice(0, 3),
            budgets: limits,
            utcOffsetMs: rollover === 0 ? 0 : -5 * 3_600_000,
            alertsAt: [toMicro(20), toMicro(10)],
          })
          const answer = await both(world, real, 'putTerms', (ledger) => ledger.putTerms(accountId, terms))
          if (answer.status === 'put') world.terms.set(accountId, terms)
        },
      ),
    ),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 5 }), fc.boolean()).map(([account, count, late]) =>
    step(`drain ${JSON.stringify([account, count, late])}`, async (world, real) => {
      const shard = shardOf(accountIds[account]!)
      await both(world, real, 'receipts', async (ledger) =>
        (await ledger.receipts(shard, count)).map(({ receipt }) => receipt),
      )
      const read = await real.given.ledger.receipts(shard, count)
      world.journal.store(read.map(({ receipt }) => receipt))
      await both(world, real, 'ackReceipts', (ledger) => ledger.ackReceipts(shard, read))
      // A drainer that comes late with the same entries finds another head
      if (late) await both(world, real, 'ackReceipts', (ledger) => ledger.ackReceipts(shard, read))
    }),
  ),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(0, 0, 0, 1, -1)).map(([account, off]) =>
    step(`reconcile ${JSON.stringify([account, off])}`, async (world, real) => {
      const accountId = accountIds[account]!
      const taken = await both(world, real, 'snapshot', async (ledger) => {
        const found = await ledger.snapshot(accountId)
        return found.status === 'loaded' ? { ...found, budgets: sorted(found.budgets) } : found
      })
      if (taken.status !== 'loaded') return
      await both(world, real, 'ackRows', (ledger) => ledger.ackRows(accountId, taken.lineage, taken.seq + off))
      for (const { epoch } of taken.earlier) {
        await both(world, real, 'closeEpoch', (ledger) => ledger.closeEpoch(accountId, taken.lineage, epoch))
        await both(world, real, 'closeEpoch', (ledger) =>
          ledger.closeEpoch(accountId, taken.lineage, epoch, Math.max(0, taken.n + off)),
        )
      }
      await both(world, real, 'closeEpoch', (ledger) => ledger.closeEpoch(accountId, taken.lineage, 77))
    }),
  ),
  fc
    .tuple(
      fc.integer({ min: 0, max: 2 }),
      fc.constantFrom('mine', 'mine', 'mine', 'mine', 'stolen'),
      fc.constantFrom(0, 8),
    )
    .map(([account, whose, held]) =>
      step(`load ${JSON.stringify([account, whose, held])}`, async (world, real) => {
        await load(world, real, accountIds[account]!, whose, toMicro(held))
      }),
    ),
  fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom(0, 8), fc.constantFrom(true, true, true, false))
    .map(([account, held, loaded]) =>
      step(`lose ${JSON.stringify([account, held, loaded])}`, async (world, real) => {
        world.model.lose()
        await lose(real)
        if (!loaded) return
        for (const accountId of accountIds) await load(world, real, accountId, 'mine', toMicro(held))
        await real.given.clock.advance(61_000)
        await both(world, real, 'read', (ledger) => ledger.read(accountIds[account]!))
      }),
    ),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('now', 'now', 'now', 'older')).map(([account, from]) =>
    step(`repair ${JSON.stringify([account, from])}`, async (world, real) => {
      const accountId = accountIds[account]!
      const lineage = world.lineages.get(accountId)!
      const lives = { from: from === 'now' ? lineage : Math.max(0, lineage - 1), to: lineage + 1 }
      const answer = await both(world, real, 'repair', (ledger) => ledger.repair(accountId, lives))
      if (answer.status !== 'repaired') return
      world.lineages.set(accountId, lives.to)
      // Its answer was lost
      await both(world, real, 'repair', (ledger) => ledger.repair(accountId, lives))
    }),
  ),
  fc
    .tuple(
      fc.integer({ min: 0, max: 2 }),
      fc.array(fc.record({ back: fc.constantFrom(0, 0, 1, 9), row: rows, charged: fc.integer({ min: -9, max: 20 }) }), {
        maxLength: 3,
      }),
      fc.array(
        fc.record({
          level: fc.constantFrom('employee:ada', 'task:one'),
          window: fc.constantFrom('all', 'd1', 'now'),
          add: fc.integer({ min: -9, max: 9 }),
        }),
        { maxLength: 3 },
      ),
      fc.constantFrom('fits', 'fits', 'fits', 'lineage', 'corrections', 'seq'),
    )
    .map(([account, changes, moves, read]) =>
      step(`correct ${JSON.stringify([account, changes, moves, read])}`, async (world, real) => {
        const accountId = accountIds[account]!
        const known = await world.model.snapshot(accountId)
        const { lineage, corrections, seq, epoch } =
          known.status === 'loaded' ? known : { lineage: 1, corrections: 0, seq: 1, epoch: 1 }
        const day = `d${Math.floor(real.given.clock.nowMs() / 86_400_000)}`
        const correction: Correction = {
          accountId,
          lineage: read === 'lineage' ? lineage - 1 : lineage,
          corrections: read === 'corrections' ? corrections + 1 : corrections,
          seq: read === 'seq' ? seq + 1 : Math.max(0, seq - 1),
          rows: changes.map(({ back, row: where, charged }) => ({
            epoch: Math.max(0, epoch - back),
            row: rowKey(where),
            add: { ...noQuantities, charged, uncollected: -charged, units: 1, outputTokens: -2 * charged },
          })),
          windows: moves.map(({ window, ...move }) => ({ ...move, window: window === 'now' ? day : window })),
        }
        const answer = await both(
          world,
          real,
          'correct',
          (ledger) => ledger.correct(correction),
          ({ status }) => {
            if (status === 'corrected') world.journal.amend(correction)
          },
        )
        // Its answer was lost: it must not be added twice
        if (answer.status === 'corrected') await both(world, real, 'correct', (ledger) => ledger.correct(correction))
      }),
    ),
  fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom('idle', 'idle', 'idle', 'busy', 'touched', 'other life'))
    .map(([account, state]) =>
      step(`evict ${JSON.stringify([account, state])}`, async (world, real) => {
        const accountId = accountIds[account]!
        if (state !== 'busy') await comeToRest(world, real, accountId)
        const known = await world.model.read(accountId)
        const { lineage, version } = known.status === 'loaded' ? known : { lineage: 1, version: 1 }
        const read = {
          lineage: state === 'other life' ? lineage + 1 : lineage,
          version: state === 'touched' ? version - 1 : version,
        }
        await both(world, real, 'evict', (ledger) => ledger.evict(accountId, read))
        await both(world, real, 'evict', (ledger) => ledger.evict(accountId, read))
      }),
    ),
  fc.tuple(fc.constantFrom(0, 1_000, 3_600_000), fc.integer({ min: 1, max: 3 })).map(([olderThanMs, perShard]) =>
    step(`check ${JSON.stringify([olderThanMs, perShard])}`, async (world, real) => {
      const due = await both(world, real, 'unchecked', (ledger) => ledger.unchecked(shards, { olderThanMs, perShard }))
      const accountId = due[0] ?? accountIds[2]!
      await both(world, real, 'noteChecked', (ledger) => ledger.noteChecked(accountId))
    }),
  ),
] as const

/** Nothing of the account is under way, and journal and workflow have all of it; a period that has ended is still there. */
async function comeToRest(world: World, real: Real, accountId: string): Promise<void> {
  await real.given.clock.advance(200_000)
  const shard = shardOf(accountId)
  const [waiting] = await both(world, real, 'pending', (ledger) =>
    ledger.pending([shard], { dirtyOlderThanMs: 0, perShard: 100 }),
  )
  for (const name of waiting!.due) await both(world, real, 'expire', (ledger) => ledger.expire(name))
  const read = await real.given.ledger.receipts(shard, 1_000)
  world.journal.store(read.map(({ receipt }) => receipt))
  await both(world, real, 'ackReceipts', (ledger) => ledger.ackReceipts(shard, read))
  const known = await world.model.snapshot(accountId)
  if (known.status === 'loaded') {
    await both(world, real, 'ackRows', (ledger) => ledger.ackRows(accountId, known.lineage, known.seq))
  }
}

const often = <T>(arbitrary: T, times: number): readonly T[] => Array.from({ length: times }, () => arbitrary)
export const commands = [
  ...often(reserves, 9),
  ...often(extensions, 8),
  ...often(settlements, 6),
  ...often(companies, 6),
  ...often(charges, 6),
  ...often(terms, 5),
  ...[releases, expirations, ...others].flatMap((one) => often(one, 2)),
  ...[sweeps, advances].flatMap((one) => often(one, 4)),
]

/** A world in which nothing has happened yet: two accounts are loaded, the third stays away until somebody loads it. */
export async function newWorld(real: Real, limits: readonly BudgetTerms[]): Promise<World> {
  await lose(real)
  const world: World = {
    model: createModelLedger(options, () => real.given.clock.nowMs()),
    journal: createJournalDouble(),
    terms: new Map(),
    lineages: new Map(),
    ids: new Map(),
  }
  for (const accountId of accountIds) {
    world.ids.set(accountId, [])
    world.lineages.set(accountId, 0)
    world.terms.set(accountId, termsOf({ granted: toMicro(60), alertsAt: [toMicro(20), toMicro(10)], budgets: limits }))
  }
  for (const accountId of accountIds.slice(0, 2)) await load(world, real, accountId, 'mine', toMicro(0))
  await real.given.clock.advance(120_000)
  return world
}

async function load(world: World, real: Real, accountId: string, whose: string, held: Micro): Promise<void> {
  await both(world, real, 'lock', (ledger) => ledger.lock(accountId, 'mine', 60_000))
  const lineage = world.lineages.get(accountId)! + 1
  const terms = world.terms.get(accountId)!
  const answer = await both(world, real, 'hydrate', (ledger) =>
    ledger.hydrate({
      accountId,
      token: whose,
      lineage,
      terms,
      epochs: world.journal
        .epochs(accountId)
        .filter(({ epoch }) => [terms, ...terms.earlier].some((one) => one.epoch === epoch)),
      budgets: world.journal.budgets(accountId),
      held,
      newestBirthMs: world.journal.newestBirthMs(accountId),
      journalNowMs: 0,
    }),
  )
  await both(world, real, 'unlock', (ledger) => ledger.unlock(accountId, whose))
  if (answer.status === 'hydrated') world.lineages.set(accountId, lineage)
}

async function lose(real: Real): Promise<void> {
  await real.given.redis.flushall()
  await real.given.clock.advance(0)
}

function sorted<T extends { level: string; window: string }>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => (`${a.level}|${a.window}` < `${b.level}|${b.window}` ? -1 : 1))
}

/** What an operation can answer here. `account_not_loaded` of extend, expire and settleTogether needs a hold without an account: rules.test.ts. */
export const everyWord = [
  ...[
    'created',
    'exists',
    'exists_with_different_amount',
    'already_charged',
    'backlogged',
    'credits_depleted',
    'insufficient_credits',
    'budget_exhausted',
    'account_not_loaded',
    'ask_journal',
  ].map((word) => `reserve ${word}`),
  ...['extended', 'credits_depleted', 'insufficient_credits', 'budget_exhausted', 'hold_not_found'].map(
    (word) => `extend ${word}`,
  ),
  ...['settled', 'exists', 'account_not_loaded', 'ask_journal'].map((word) => `settle ${word}`),
  ...['settled', 'hold_not_found', 'call settled', 'call exists', 'call alone'].map((word) => `settleTogether ${word}`),
  ...[
    'settled',
    'exists',
    'exists_with_different_amount',
    'backlogged',
    'credits_depleted',
    'insufficient_credits',
    'budget_exhausted',
    'account_not_loaded',
    'ask_journal',
  ].map((word) => `charge ${word}`),
  ...['released', 'exists', 'account_not_loaded', 'ask_journal'].map((word) => `release ${word}`),
  ...['expired', 'not_due', 'hold_not_found'].map((word) => `expire ${word}`),
  ...['put', 'older', 'account_not_loaded'].map((word) => `putTerms ${word}`),
  ...['hydrated', 'present', 'lock_lost'].map((word) => `hydrate ${word}`),
  ...['closed', 'open', 'absent'].map((word) => `closeEpoch ${word}`),
  ...['loaded', 'account_not_loaded'].map((word) => `snapshot ${word}`),
  'read loaded',
  'lock true',
  'pending answered',
  'receipts answered',
  'ackReceipts acked',
  'ackReceipts head_moved',
  'ackRows answered',
  ...['repaired', 'exists', 'other_lineage', 'account_not_loaded'].map((word) => `repair ${word}`),
  ...['corrected', 'changed', 'account_not_loaded'].map((word) => `correct ${word}`),
  ...['evicted', 'in_use', 'account_not_loaded'].map((word) => `evict ${word}`),
  'unchecked answered',
  'noteChecked answered',
]
