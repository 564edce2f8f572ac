import { toMicro } from '../../credits/money.ts'
import { describe, expect, test } from 'vitest'
import { endRaises, firstRaiseEnd, raiseBudget, removeBudget, saveBudget } from '../../credits/account/budgets.ts'
import { saveEmployee } from '../../credits/account/save-employee.ts'
import { saveOrganization } from '../../credits/account/save-organization.ts'
import type { AccountState } from '../../credits/account/state.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import { openWindows, windowEnd } from '../../credits/budget-window.ts'
import { utcOffsetAt } from '../../credits/period.ts'
import { credits, dayMs, newAccount, startMs, stateOf } from './given.ts'

const rule = (limit: number) => ({ limit: credits(limit), window: 'day', atLimit: 'pause' }) as const
const level = 'employee:ada'
const withBudget = (limit: number, state = newAccount()): AccountState =>
  stateOf(saveBudget(state, { level, ...rule(limit) }, startMs))
const employee = (id: string) =>
  ({ id, name: id, organization: '', tier: 'fast', model: '', archived: false, mode: 'first_use' }) as const

describe('a budget', () => {
  test('reaches the ledger with the terms, once', () => {
    const state = withBudget(20)
    expect(termsOf(state)).toMatchObject({ version: 2, budgets: [{ level, ...rule(20) }] })
    expect(withBudget(20, state)).toEqual(state)
    expect(withBudget(30, state).budgets).toMatchObject([{ version: 3, limit: credits(30) }])
    const removed = stateOf(removeBudget(state, { level }, startMs))
    expect(termsOf(removed).budgets).toEqual([])
    expect(stateOf(removeBudget(removed, { level }, startMs))).toEqual(removed)
  })

  test('that was removed and set again is not taken for the old one', () => {
    const state = withBudget(20)
    const again = withBudget(50, stateOf(removeBudget(state, { level }, startMs)))
    const old = state.budgets[0]!.version
    expect(saveBudget(again, { level, ...rule(1), expectedVersion: old }, startMs)).toMatchObject({ ok: false })
  })

  test('beyond what the ledger can count is refused: it could not be told of any terms any more', () => {
    const limit = toMicro(1_000_000_000_000_000)
    for (const where of [level, 'default'])
      expect(saveBudget(newAccount(), { level: where, ...rule(1), limit }, startMs)).toMatchObject({
        ok: false,
        code: 'amount_invalid',
      })
    expect(raiseBudget(withBudget(20), { level, limit, untilMs: startMs + dayMs }, startMs)).toMatchObject({
      ok: false,
    })
  })

  test('is not changed by somebody who saw another version', () => {
    const state = withBudget(30, withBudget(20))
    const save = (expectedVersion: number) => saveBudget(state, { level, ...rule(5), expectedVersion }, startMs)
    expect(save(2)).toMatchObject({ ok: false, code: 'version_conflict' })
    expect(stateOf(save(3)).budgets).toMatchObject([{ version: 4, limit: credits(5) }])
    const other = { level: 'task:one', ...rule(5) }
    expect(saveBudget(state, { ...other, expectedVersion: 1 }, startMs)).toMatchObject({ ok: false })
    expect(saveBudget(state, { ...other, expectedVersion: 0 }, startMs)).toMatchObject({ ok: true })
  })

  test('is raised for a while, and ends by itself or by a change', () => {
    const untilMs = startMs + dayMs
    const raised = stateOf(raiseBudget(withBudget(20), { level, limit: credits(50), untilMs }, startMs))
    expect(termsOf(raised).budgets).toMatchObject([{ limit: credits(50) }])
    expect(termsOf(raised).card.budgets).toMatchObject([{ limit: credits(50), raisedUntilMs: untilMs, version: 3 }])
    expect(firstRaiseEnd(raised)).toBe(untilMs)
    expect(endRaises(raised, untilMs - 1)).toBe(raised)
    const ended = endRaises(raised, untilMs)
    expect(termsOf(ended)).toMatchObject({ version: 4, budgets: [{ limit: credits(20) }] })
    expect(firstRaiseEnd(ended)).toBeNull()
    const now = stateOf(raiseBudget(raised, { level, limit: credits(1), untilMs: startMs }, startMs))
    expect(termsOf(now).budgets).toMatchObject([{ limit: credits(20) }])
    expect(raiseBudget(raised, { level: 'task:none', limit: credits(1), untilMs }, startMs)).toMatchObject({
      ok: false,
      code: 'budget_unknown',
    })
  })

  test('of a new employee is the default, if there is one and none of its own', () => {
    const before = stateOf(saveEmployee(newAccount(), employee('old'), startMs))
    const state = stateOf(saveBudget(before, { level: 'default', ...rule(7) }, startMs))
    const own = stateOf(saveBudget(state, { level: 'employee:bo', ...rule(9) }, startMs))
    const hired = ['ada', 'bo', 'old'].reduce((now, id) => stateOf(saveEmployee(now, employee(id), startMs)), own)
    expect(hired.budgets.map(({ level: of, limit }) => [of, limit])).toEqual([
      ['employee:bo', credits(9)],
      ['employee:ada', credits(7)],
    ])
    const none = stateOf(removeBudget(hired, { level: 'default' }, startMs))
    expect(stateOf(saveEmployee(none, employee('cy'), startMs)).budgets).toHaveLength(2)
  })

  test('is one of at most a thousand', () => {
    let state = newAccount()
    for (let count = 0; count < 1000; count += 1)
      state = stateOf(saveBudget(state, { level: `task:${count}`, ...rule(1) }, startMs))
    expect(saveBudget(state, { level: 'task:more', ...rule(1) }, startMs)).toMatchObject({ code: 'too_many_budgets' })
    expect(saveBudget(state, { level: 'task:1', ...rule(2) }, startMs)).toMatchObject({ ok: true })
  }, 20_000)
})

test('organizations are created, renamed and archived, two hundred at most', () => {
  let state = newAccount()
  for (let count = 0; count < 200; count += 1)
    state = stateOf(saveOrganization(state, { id: `o${count}`, name: 'Lab', archived: false }, startMs))
  expect(saveOrganization(state, { id: 'more', name: '', archived: false }, startMs)).toMatchObject({
    code: 'too_many_organizations',
  })
  const renamed = stateOf(saveOrganization(state, { id: 'o1', name: 'Shop', archived: true }, startMs))
  expect(termsOf(renamed).card.organizations?.[1]).toEqual({ id: 'o1', name: 'Shop', archived: true })
})

test('a window ends where the ledger begins the next one, in any zone', () => {
  for (const timeZone of ['UTC', 'Europe/Rome', 'America/Los_Angeles', 'Pacific/Kiritimati', 'Asia/Kathmandu'])
    for (const window of ['day', 'week', 'month'] as const)
      for (let at = startMs; at < startMs + 400 * dayMs; at += 5.3 * dayMs) {
        const nowMs = Math.floor(at)
        const endMs = windowEnd(window, nowMs, timeZone)!
        const name = (ms: number) => openWindows(ms, utcOffsetAt(timeZone, ms))[window]
        expect(endMs).toBeGreaterThan(nowMs)
        expect(name(endMs - 1)).toBe(name(nowMs))
        expect(name(endMs)).not.toBe(name(nowMs))
      }
  expect(windowEnd('total', startMs, 'UTC')).toBeNull()
})
