import { describe, expect, test } from 'vitest'
import { grant } from '../../credits/account/grant.ts'
import { lifetimeOf } from '../../credits/account/lifetime.ts'
import type { AccountState } from '../../credits/account/state.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import { viewOf } from '../../credits/account/view-of.ts'
import type { Micro } from '../../credits/money.ts'
import { answerOf, credits, dayMs, grantCommand, newAccount, plans, report, startMs, stateOf } from './given.ts'

const monthMs = 31 * dayMs
/** 10 April, 10 May, 10 June: the periods that begin there are the second, third and fourth. */
const starts = [startMs, Date.UTC(2026, 3, 10), Date.UTC(2026, 4, 10), Date.UTC(2026, 5, 10)] as const

function given(
  state: AccountState,
  id: string,
  amount: string,
  periods: number | undefined,
  atMs: number,
): AccountState {
  const command = grantCommand(id, credits(amount), { source: 'promo', ...lifetimeOf({ keeps: true, periods }) })
  return stateOf(grant(state, command, atMs))
}

function spent(state: AccountState, seq: number, byEpoch: Readonly<Record<number, Micro>>, atMs: number): AccountState {
  return stateOf(reconcile(state, report(state.lineage, seq, byEpoch), atMs))
}

const counts = (state: AccountState) =>
  Object.fromEntries(termsOf(state).card.grants.map((each) => [each.id, each.counts / 1_000_000]))
const left = (state: AccountState) =>
  Object.fromEntries(viewOf(state).grants.map((each) => [each.id, [each.left / 1_000_000, each.status]]))

describe('a bonus of three periods', () => {
  test('says when it ends, burns after what resets and before what stays', () => {
    const account = given(newAccount({ plan: plans.starter }), 'spring', '300', 3, startMs)
    expect(termsOf(account).card.grants.map(({ id, resets, endsAtMs }) => [id, resets, endsAtMs])).toEqual([
      ['plan:1', true, undefined],
      ['spring', false, starts[3]],
      ['welcome', false, undefined],
    ])
    const used = spent({ ...account, lineage: 1 }, 2, { 1: credits(2100) }, startMs)
    expect(left(used)).toEqual({ 'plan:1': [0, 'used_up'], spring: [200, 'active'], welcome: [1000, 'active'] })
    expect(viewOf(used).grants.find(({ id }) => id === 'spring')).toMatchObject({ resetsAtMs: starts[3] })
  })

  test('is the own money of its last period, with which the rest of it is lost', () => {
    let account: AccountState = { ...given(newAccount(), 'spring', '300', 3, startMs), lineage: 1 }
    account = spent(account, 2, { 1: credits(100) }, startMs)
    account = rollOver(account, starts[1])
    expect(counts(account)).toEqual({ spring: 200, welcome: 1000 })
    account = spent(rollOver(account, starts[2]), 3, { 3: credits(50) }, starts[2])
    expect(termsOf(account).card.grants[0]).toMatchObject({ id: 'spring', counts: credits(200), resets: true })
    expect(left(account)).toEqual({ spring: [150, 'active'], welcome: [1000, 'active'] })
    account = rollOver(account, starts[3])
    expect(left(account)).toEqual({ spring: [0, 'reset'], welcome: [1000, 'active'] })
    expect(termsOf(account)).toMatchObject({
      granted: credits(1100),
      used: credits(100),
      card: { total: credits(1000) },
    })
  })

  test('whose last period was missed is lost with it', () => {
    const account = rollOver(given(newAccount(), 'spring', '300', 2, startMs), starts[3])
    expect(left(account)).toEqual({ spring: [0, 'reset'], welcome: [1000, 'active'] })
  })

  test('pays for its own periods, not for one before it', () => {
    let account: AccountState = { ...newAccount(), lineage: 1 }
    account = spent(account, 2, { 1: credits(600) }, startMs)
    account = given(account, 'summer', '300', 3, starts[1])
    expect(counts(account)).toEqual({ summer: 300, welcome: 400 })
    account = rollOver(spent(account, 3, { 2: credits(100) }, starts[1]), starts[2])
    expect(counts(account)).toEqual({ summer: 200, welcome: 400 })
  })

  test('whose ended period turns out to have taken more pays that with what there is of it', () => {
    let account: AccountState = {
      ...given(newAccount({ welcome: { amount: credits(0), keeps: true } }), 'spring', '300', 2, startMs),
      lineage: 1,
    }
    account = rollOver(spent(account, 2, { 1: credits(100) }, startMs), starts[1])
    expect(counts(account)).toEqual({ spring: 200 })
    account = spent(account, 3, { 1: credits(130) }, starts[1])
    expect(counts(account)).toEqual({ spring: 170 })
    // and what comes back to one that has ended stays
    account = spent(rollOver(account, starts[2]), 4, { 1: credits(90) }, starts[2])
    expect(left(account)).toMatchObject({ spring: [40, 'active'] })
  })

  test('under the id of one that lasts otherwise is refused', () => {
    const account = given(newAccount(), 'spring', '300', 3, startMs)
    const again = grantCommand('spring', credits(300), { source: 'promo', ...lifetimeOf({ keeps: true, periods: 2 }) })
    expect(grant(account, again, startMs)).toMatchObject({ ok: false, code: 'grant_conflict' })
    const same = grantCommand('spring', credits(300), { source: 'promo', ...lifetimeOf({ keeps: true, periods: 3 }) })
    expect(answerOf(grant(account, same, startMs + monthMs)).terms).toEqual(termsOf(account))
  })
})

test('a bonus of one period resets with it', () => {
  expect(lifetimeOf({ keeps: true, periods: 1 })).toEqual({ resets: true })
  expect(lifetimeOf({ keeps: true, periods: null })).toEqual({ resets: false })
  expect(lifetimeOf({ keeps: false })).toEqual({ resets: true })
})
