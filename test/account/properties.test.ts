import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { fold } from '../../credits/account/fold.ts'
import { grant } from '../../credits/account/grant.ts'
import type { Lifetime } from '../../credits/account/lifetime.ts'
import { moneyOf } from '../../credits/account/money-of.ts'
import { nextLineage } from '../../credits/account/next-lineage.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { saveEmployee } from '../../credits/account/save-employee.ts'
import { reward } from '../../credits/account/reward.ts'
import { takeBack } from '../../credits/account/take-back.ts'
import { setPlan } from '../../credits/account/set-plan.ts'
import { type AccountState, currentPeriod, type Outcome, type PeriodState } from '../../credits/account/state.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import { viewOf } from '../../credits/account/view-of.ts'
import { leftOf } from '../../credits/burn.ts'
import { sum, toMicro } from '../../credits/money.ts'
import type { Terms } from '../../credits/terms.ts'
import { credits, dayMs, grantCommand, newAccount, plans, report, row, rowOf, startMs } from './given.ts'

type Command =
  | { readonly kind: 'wait'; readonly days: number }
  | { readonly kind: 'grant'; readonly id: number; readonly amount: number; readonly lifetime: Lifetime }
  | { readonly kind: 'plan'; readonly plan: keyof typeof plans; readonly upgrade: 'full' | 'prorated' }
  | { readonly kind: 'takeBack'; readonly id: number; readonly amount: number }
  | { readonly kind: 'reward'; readonly friend: number }
  | { readonly kind: 'employee'; readonly id: number; readonly tier: string }
  /** Spends a part of what is there, in the current period or an ended one, and reports it. */
  | { readonly kind: 'spend'; readonly percent: number; readonly ago: number; readonly refund: boolean }
  | { readonly kind: 'lineage' }
  | { readonly kind: 'close'; readonly ago: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), days: fc.integer({ min: 0, max: 35 }) }),
  fc.record({
    kind: fc.constant('grant' as const),
    id: fc.integer({ min: 0, max: 12 }),
    amount: fc.integer({ min: 0, max: 5_000_000_000 }),
    lifetime: fc.oneof(
      fc.record({ resets: fc.boolean() }),
      fc.record({ resets: fc.constant(false), periods: fc.integer({ min: 2, max: 4 }) }),
    ),
  }),
  fc.record({
    kind: fc.constant('plan' as const),
    plan: fc.constantFrom('free', 'starter', 'pro'),
    upgrade: fc.constantFrom('full', 'prorated'),
  }),
  fc.record({
    kind: fc.constant('takeBack' as const),
    id: fc.integer({ min: 0, max: 5 }),
    amount: fc.integer({ min: 1, max: 2_000_000_000 }),
  }),
  fc.record({ kind: fc.constant('reward' as const), friend: fc.integer({ min: 0, max: 6 }) }),
  fc.record({
    kind: fc.constant('employee' as const),
    id: fc.integer({ min: 0, max: 3 }),
    tier: fc.constantFrom('fast', 'advanced'),
  }),
  fc.record({
    kind: fc.constant('spend' as const),
    percent: fc.integer({ min: 0, max: 100 }),
    ago: fc.integer({ min: 0, max: 2 }),
    refund: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('lineage' as const) }),
  fc.record({ kind: fc.constant('close' as const), ago: fc.integer({ min: 1, max: 3 }) }),
)
const commands = fc.array(command, { maxLength: 30 })

/** A ledger as the account sees it: what was spent per epoch, and how often that changed. */
interface World {
  readonly account: AccountState
  readonly nowMs: number
  readonly spent: Readonly<Record<number, ReturnType<typeof toMicro>>>
  /** What ended periods paid with their own money of what earlier ones owed. */
  readonly paid: Readonly<Record<number, number>>
  readonly seq: number
  /** By operators, in all. */
  readonly tookBack: number
}

const start: World = {
  account: { ...newAccount(), lineage: 1 },
  nowMs: startMs,
  spent: {},
  paid: {},
  seq: 1,
  tookBack: 0,
}

function step(world: World, command: Command): World {
  const { account, nowMs, spent } = world
  const take = <A>(outcome: Outcome<A>): World => (outcome.ok ? { ...world, account: outcome.state } : world)
  const epochAgo = (ago: number) => currentPeriod(rollOver(account, nowMs)).epoch - ago
  switch (command.kind) {
    case 'wait': {
      const later = nowMs + command.days * dayMs
      const rolled = rollOver(account, later)
      return { ...world, nowMs: later, account: rolled, paid: debtsPaid(world, rolled) }
    }
    case 'grant':
      return take(grant(account, grantCommand(`g${command.id}`, toMicro(command.amount), command.lifetime), nowMs))
    case 'plan':
      return take(setPlan(account, { plan: plans[command.plan], by: 'test', upgrade: command.upgrade }, nowMs))
    case 'takeBack': {
      const id = `t${command.id}`
      const isNew = account.takenBack.every((each) => each.id !== id)
      const next = take(takeBack(account, { id, amount: toMicro(command.amount), detail: '', by: 'test' }, nowMs))
      return isNew ? { ...next, tookBack: world.tookBack + command.amount } : next
    }
    case 'reward': {
      const due = {
        referrer: 'ada',
        grant: `referral:${command.friend}`,
        amount: credits(5),
        resets: false,
        most: 3,
        detail: '',
      }
      return { ...world, account: reward(account, due, nowMs) }
    }
    case 'employee': {
      const { tier } = command
      const employee = { id: `e${command.id}`, name: '', organization: '', tier, model: '', archived: false }
      return take(saveEmployee(account, { ...employee, mode: 'save' }, nowMs))
    }
    case 'lineage': {
      const next = take(nextLineage(account, null, nowMs))
      return { ...next, seq: 1 }
    }
    case 'close': {
      const epoch = epochAgo(command.ago)
      return take(closeEpoch(account, { epoch, rows: { [rowOf('app')]: row(spent[epoch] ?? toMicro(0)) } }, nowMs))
    }
    case 'spend': {
      const epoch = epochAgo(command.ago)
      const open = account.periods.some((period) => period.epoch === epoch && !period.closed)
      if (!open) return world
      const before = spent[epoch] ?? toMicro(0)
      const room = command.refund ? before : moneyOf(rollOver(account, nowMs)).remaining
      const change = Math.floor((room * command.percent) / 100)
      const next = { ...spent, [epoch]: toMicro(command.refund ? before - change : before + change) }
      const seq = world.seq + 1
      const openOnly = Object.fromEntries(
        Object.entries(next).filter(([each]) =>
          account.periods.some((period) => period.epoch === Number(each) && !period.closed),
        ),
      )
      return { ...take(reconcile(account, report(account.lineage, seq, openOnly), nowMs)), spent: next, seq }
    }
  }
}

/** Told anew, from first principles: what ended periods took beyond their own money, less what later ones paid of it. */
function takenOf(
  { spent, paid, tookBack }: Pick<World, 'spent' | 'paid' | 'tookBack'>,
  ended: readonly PeriodState[],
): number {
  const takes = ended.map(({ epoch, free }) => {
    const owed = paid[epoch] ?? 0
    return Math.max(0, (spent[epoch] ?? 0) - (free - owed)) - owed
  })
  return Math.max(0, tookBack + sumOf(takes))
}

const keptOf = ({ grants }: AccountState) =>
  sumOf(grants.filter((each) => !each.resets).map((each) => each.amount - (each.ending ?? 0)))
const sumOf = (amounts: readonly number[]) => amounts.reduce((all, each) => all + each, 0)

/** Each period that ends pays with its own money what is owed then, once. */
function debtsPaid(world: World, rolled: AccountState): World['paid'] {
  const paid = { ...world.paid }
  const first = currentPeriod(world.account).epoch
  for (const [index, { epoch, free }] of rolled.periods.slice(0, -1).entries()) {
    if (epoch < first) continue
    const owed = takenOf({ ...world, paid }, rolled.periods.slice(0, index)) - keptOf(world.account)
    paid[epoch] = Math.min(free, Math.max(0, owed))
  }
  return paid
}

function worlds(given: readonly Command[]): World[] {
  const all = [start]
  for (const each of given) all.push(step(all.at(-1)!, each))
  return all
}

describe('no order of commands', () => {
  test('makes or loses money', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const world of worlds(given)) {
          const { account, spent } = world
          const terms = termsOf(account)
          const { total, remaining } = moneyOf(account)
          const current = currentPeriod(account)
          const there = current.free + keptOf(account) - takenOf(world, account.periods.slice(0, -1))
          expect(terms.granted - terms.used).toBe(there)
          expect(total).toBe(Math.max(0, there))
          expect(remaining).toBe(Math.max(0, there - (spent[current.epoch] ?? 0)))
          expect(sum(terms.card.grants.map((each) => each.counts))).toBe(total)
          expect(sum(leftOf(terms.card.grants, current.spent).map((each) => each.left))).toBe(remaining)
          expect(sum(viewOf(account).grants.map((each) => each.left))).toBe(remaining)
          const own = account.grants.map(({ resets, epoch, periods = 1, amount, ending = 0 }) =>
            epoch + periods - 1 === current.epoch ? (resets ? amount : ending) : 0,
          )
          expect(sumOf(own)).toBe(current.free)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('changes the terms without a higher version, or raises the version for nothing', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const all = worlds(given)
        for (const [index, { account }] of all.entries()) {
          const before = termsOf(all[Math.max(0, index - 1)]!.account)
          const after = termsOf(account)
          expect(after.version).toBeGreaterThanOrEqual(before.version)
          const same = JSON.stringify({ ...before, version: 0 }) === JSON.stringify({ ...after, version: 0 })
          const rises = after.version > before.version
          expect(rises || same).toBe(true)
          // A command that comes after a period's end rolls over first: that may change the terms there and back.
          expect(!rises || !same || given[index - 1]?.kind !== 'wait').toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('raises an alert twice in a period', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const ids = viewOf(worlds(given).at(-1)!.account).alerts.map((alert) => alert.id)
        expect(new Set(ids).size).toBe(ids.length)
      }),
      { numRuns: 200 },
    )
  })

  test('rewards more friends than it may, or one of them twice', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const rewards = viewOf(worlds(given).at(-1)!.account).grants.filter(({ id }) => id.startsWith('referral:'))
        expect(rewards.length).toBeLessThanOrEqual(3)
        expect(new Set(rewards.map(({ id }) => id)).size).toBe(rewards.length)
      }),
      { numRuns: 200 },
    )
  })

  test('of plan changes grants more in a period than the largest allowance of it', () => {
    const changes = fc.array(
      fc.record({
        plan: fc.constantFrom<keyof typeof plans>('free', 'starter', 'pro'),
        upgrade: fc.constantFrom<'full' | 'prorated'>('full', 'prorated'),
        hours: fc.integer({ min: 0, max: 200 }),
      }),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(changes, (series) => {
        let { account, nowMs } = start
        for (const { plan, upgrade, hours } of series) {
          nowMs += hours * 3_600_000
          const outcome = setPlan(account, { plan: plans[plan], by: 'test', upgrade }, nowMs)
          if (outcome.ok) account = outcome.state
          const { planMoney } = currentPeriod(account)
          expect(planMoney).toBeLessThanOrEqual(plans.pro.allowance)
        }
      }),
    )
  })

  test('comes out otherwise when the state is carried over as JSON at every step', () => {
    fc.assert(
      fc.property(commands, (given) => {
        let carried = start
        for (const each of given) {
          const next = step(carried, each)
          carried = { ...next, account: JSON.parse(JSON.stringify(next.account)) as AccountState }
        }
        expect(carried.account).toStrictEqual(worlds(given).at(-1)!.account)
      }),
      { numRuns: 300 },
    )
  })
})

test('reports that are repeated, late and in any order leave what the newest one said', () => {
  const reports = fc
    .array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 12 })
    .chain((spends) =>
      fc
        .array(fc.integer({ min: 0, max: spends.length - 1 }), { maxLength: 40 })
        .map((order) => ({ spends, order: [...order, spends.length - 1] })),
    )
  fc.assert(
    fc.property(reports, ({ spends, order }) => {
      const sent = spends.map((spent, index) => report(1, index + 2, { 1: credits(spent) }))
      let state = start.account
      for (const [turn, index] of [...order, ...order].entries()) {
        const outcome = reconcile(state, sent[index]!, startMs + turn)
        if (outcome.ok) state = outcome.state
      }
      expect(viewOf(state)).toMatchObject({ seq: sent.length + 1, periods: [{ spent: credits(spends.at(-1)!) }] })
    }),
  )
})

test('folding away old periods and finished grants changes no balance and forgets no id', () => {
  fc.assert(
    fc.property(commands, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), (given, periods, grants) => {
      for (const { account } of worlds(given)) {
        const folded = fold(account, { periods, grants, ids: 1000 })
        expect(moneyOf(folded)).toEqual(moneyOf(account))
        const [before, after] = [termsOf(account), termsOf(folded)]
        expect(sum(after.card.grants.map(({ counts }) => counts))).toBe(moneyOf(account).total)
        // Who took from which grant is forgotten with the grants; it only matters where one ends before another
        const isForgotten = account.grants.some((each) => each.periods !== undefined)
        const seen = (terms: Terms) => (isForgotten ? { ...terms, card: null } : terms)
        expect(seen(after)).toEqual(seen(before))
        const ids = [...folded.grants, ...folded.foldedGrants].map((each) => each.id)
        expect(ids.sort()).toEqual(account.grants.map((each) => each.id).sort())
      }
    }),
    { numRuns: 300 },
  )
})
