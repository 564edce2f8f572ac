import { describe, expect, test } from 'vitest'
import { acknowledgeAlert } from '../../credits/account/acknowledge-alert.ts'
import { nextAlertMail } from '../../credits/account/alert-mail.ts'
import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { grant } from '../../credits/account/grant.ts'
import { nextLineage } from '../../credits/account/next-lineage.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { saveEmployee } from '../../credits/account/save-employee.ts'
import { setPlan } from '../../credits/account/set-plan.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import { type AccountState, currentPeriod } from '../../credits/account/state.ts'
import { takeBack } from '../../credits/account/take-back.ts'
import { termsOf } from '../../credits/account/terms-of.ts'
import { viewOf } from '../../credits/account/view-of.ts'
import { zero } from '../../credits/money.ts'
import {
  answerOf,
  credits,
  dayMs,
  grantCommand,
  newAccount,
  plans,
  policies,
  report,
  row,
  rowOf,
  signUpCommand,
  startMs,
  stateOf,
} from './given.ts'

const month = 31 * dayMs

describe('sign-up', () => {
  test('gives the welcome bonus once, however often it is repeated', () => {
    const first = signUp(null, signUpCommand(), startMs)
    const again = signUp(stateOf(first), signUpCommand(), startMs + 1)
    expect(answerOf(first)).toMatchObject({ created: true, terms: { version: 1, granted: credits(1000) } })
    expect(answerOf(again)).toMatchObject({ created: false, terms: { version: 1, granted: credits(1000) } })
  })

  test.each([
    ['another e-mail address', { email: 'eve@example.com' }, newAccount(), 'account_conflict'],
    ['a zone that does not exist', { timeZone: 'Mars/Olympus' }, null, 'time_zone_unknown'],
    [
      'a bonus beyond counting',
      { welcome: { amount: Number.MAX_SAFE_INTEGER as typeof zero, keeps: true } },
      null,
      'amount_invalid',
    ],
  ])('refuses %s', (_, change, state, code) => {
    expect(signUp(state, signUpCommand(change), startMs)).toMatchObject({ ok: false, code })
  })

  test('an account without any money has terms all the same', () => {
    expect(termsOf(newAccount({ welcome: { amount: zero, keeps: true } }))).toMatchObject({
      version: 1,
      granted: 0,
      card: { total: 0, grants: [] },
    })
  })
})

describe('a grant', () => {
  test('counts once per id', () => {
    const once = stateOf(grant(newAccount(), grantCommand('p1', credits(500)), startMs))
    const twice = stateOf(grant(once, grantCommand('p1', credits(500)), startMs + 1))
    expect(twice).toEqual(once)
    expect(termsOf(twice)).toMatchObject({ version: 2, granted: credits(1500) })
  })

  test('is one of at most a thousand that count, so that the account fits into its messages; ended periods make room', () => {
    let state = newAccount()
    for (let index = 1; index < 1000; index += 1) {
      state = stateOf(grant(state, grantCommand(`p${index}`, credits(1)), startMs))
    }
    const one = grantCommand('one more', credits(1))
    expect(grant(state, one, startMs)).toMatchObject({ ok: false, code: 'too_many_grants' })
    expect(grant(state, grantCommand('p1', credits(1)), startMs)).toMatchObject({ ok: true })
    expect(stateOf(grant(state, one, currentPeriod(state).endMs)).grants).toHaveLength(501)
  })

  test.each([
    ['another amount', grantCommand('p1', credits(501)), 'grant_conflict'],
    ['another source', grantCommand('p1', credits(500), { source: 'promo' }), 'grant_conflict'],
    ['another kind of money', grantCommand('p1', credits(500), { resets: false }), 'grant_conflict'],
    ['nothing', grantCommand('p2', zero), 'amount_invalid'],
    ['a fraction', grantCommand('p2', 0.5 as typeof zero), 'amount_invalid'],
    ['less than nothing', grantCommand('p2', -1 as typeof zero), 'amount_invalid'],
    ['more than can be counted', grantCommand('p2', (2 ** 52) as typeof zero), 'amount_invalid'],
  ])('is refused for %s', (_, command, code) => {
    const state = stateOf(grant(newAccount(), grantCommand('p1', credits(500)), startMs))
    expect(grant(state, command, startMs)).toMatchObject({ ok: false, code })
  })

  test('after the end of the period belongs to the next one, also when the timer is late', () => {
    const state = stateOf(grant(newAccount(), grantCommand('p1', credits(500)), startMs + month + dayMs))
    expect(termsOf(state)).toMatchObject({ epoch: 2, granted: credits(1500) })
  })
})

describe('a plan', () => {
  test('that allows more holds at once and grants the difference', () => {
    const starter = stateOf(setPlan(newAccount(), { plan: plans.starter, by: 'op' }, startMs))
    const pro = setPlan(starter, { plan: plans.pro, by: 'op' }, startMs)
    expect(answerOf(pro)).toMatchObject({
      fromMs: startMs,
      terms: { granted: credits(11_000), card: { plan: 'pro', total: credits(11_000) } },
    })
    expect(stateOf(setPlan(stateOf(pro), { plan: plans.pro, by: 'op' }, startMs))).toEqual(stateOf(pro))
  })

  test('that is prorated grants of the difference what the rest of the period is, rounded down', () => {
    const { startMs: from, endMs: to } = currentPeriod(newAccount())
    const at = from + Math.floor((to - from) / 3)
    const upgraded = stateOf(setPlan(newAccount(), { plan: plans.pro, by: 'op', upgrade: 'prorated' }, at))
    const granted = currentPeriod(upgraded).planMoney
    expect(granted).toBe(Math.floor((plans.pro.allowance * (to - at)) / (to - from)))
    expect(stateOf(setPlan(upgraded, { plan: plans.pro, by: 'op', upgrade: 'prorated' }, at + 1))).toEqual(upgraded)
  })

  test('that allows less waits for the end of the period', () => {
    const pro = newAccount({ plan: plans.pro })
    const down = setPlan(pro, { plan: plans.starter, by: 'op' }, startMs)
    const endMs = currentPeriod(pro).endMs
    expect(answerOf(down)).toMatchObject({ fromMs: endMs, terms: { granted: credits(11_000), card: { plan: 'pro' } } })
    expect(viewOf(stateOf(down))).toMatchObject({ plan: 'pro', pendingPlan: { id: 'starter', fromMs: endMs } })
    expect(termsOf(rollOver(stateOf(down), endMs))).toMatchObject({ granted: credits(3000), card: { plan: 'starter' } })
  })

  test('set again calls a waiting downgrade off', () => {
    const pro = newAccount({ plan: plans.pro })
    const down = stateOf(setPlan(pro, { plan: plans.free, by: 'op' }, startMs))
    const kept = stateOf(setPlan(down, { plan: plans.pro, by: 'op' }, startMs))
    expect(viewOf(kept).pendingPlan).toBeNull()
    expect(termsOf(rollOver(kept, currentPeriod(pro).endMs))).toMatchObject({ granted: credits(11_000) })
  })

  test('changed to and fro grants its allowance once a period', () => {
    let state = newAccount()
    for (const plan of [plans.pro, plans.starter, plans.pro, plans.free, plans.starter, plans.pro]) {
      state = stateOf(setPlan(state, { plan, by: 'op' }, startMs))
    }
    expect(termsOf(state).granted).toBe(credits(11_000))
  })
})

describe('rolling over', () => {
  const used = stateOf(
    reconcile(
      {
        ...stateOf(grant(newAccount({ plan: plans.starter }), grantCommand('pack', credits(500)), startMs)),
        lineage: 1,
      },
      report(1, 5, { 1: credits(2700) }),
      startMs,
    ),
  )
  const { endMs } = currentPeriod(used)

  test('twice grants once', () => {
    const once = rollOver(used, endMs)
    expect(rollOver(once, endMs + 5)).toEqual(once)
    expect(rollOver(used, endMs - 1)).toBe(used)
  })

  test('resets plan and pack, and keeps what the bonus still has', () => {
    // 2,700 spent of 2,500 that reset: 200 came from the welcome bonus.
    expect(termsOf(rollOver(used, endMs))).toMatchObject({
      epoch: 2,
      granted: credits(3000),
      used: credits(200),
      earlier: [{ epoch: 1, free: credits(2500), counted: credits(2700) }],
      card: {
        total: credits(2800),
        grants: [
          { id: 'plan:2', counts: credits(2000) },
          { id: 'welcome', amount: credits(1000), counts: credits(800) },
        ],
      },
    })
  })

  test('late spend of the ended period moves what it took from the bonus', () => {
    const late = stateOf(reconcile(rollOver(used, endMs), report(1, 6, { 1: credits(2800), 2: credits(10) }), endMs))
    expect(termsOf(late)).toMatchObject({ used: credits(300), earlier: [{ counted: credits(2800) }] })
    const refunded = stateOf(reconcile(late, report(1, 7, { 1: credits(2400), 2: credits(10) }), endMs))
    expect(termsOf(refunded)).toMatchObject({
      used: 0,
      earlier: [{ counted: credits(2400) }],
      card: { total: credits(3000) },
    })
  })

  test('over missed periods grants one allowance and closes what nobody could spend in', () => {
    const state = rollOver(used, endMs + 95 * dayMs)
    expect(termsOf(state)).toMatchObject({ epoch: 5, granted: credits(3000), earlier: [{ epoch: 1 }] })
    expect(viewOf(state).periods.map(({ epoch, closed }) => [epoch, closed])).toEqual([
      [5, false],
      [4, true],
      [3, true],
      [2, true],
      [1, false],
    ])
  })

  test('keeps the day of sign-up through short months', () => {
    const state = stateOf(signUp(null, signUpCommand(), Date.UTC(2026, 0, 31, 12)))
    const starts = viewOf(rollOver(state, Date.UTC(2026, 3, 1))).periods.map((period) =>
      new Date(period.startMs).toISOString().slice(0, 10),
    )
    expect(starts).toEqual(['2026-03-31', '2026-02-28', '2026-01-31'])
  })

  test('lists packs of ended periods as reset', () => {
    expect(viewOf(rollOver(used, endMs)).grants).toMatchObject([
      { id: 'plan:2', status: 'active', left: credits(2000) },
      { id: 'pack', status: 'reset', left: 0, resetsAtMs: endMs },
      { id: 'welcome', status: 'active', left: credits(800), resetsAtMs: null },
    ])
  })
})

describe('reconciling', () => {
  const account = { ...newAccount(), lineage: 2 }

  test('takes rows as they are, not on top of what is there', () => {
    const once = stateOf(reconcile(account, report(2, 3, { 1: credits(10) }), startMs))
    const later = stateOf(reconcile(once, report(2, 4, { 1: credits(12) }), startMs))
    expect(viewOf(later)).toMatchObject({ seq: 4, periods: [{ spent: credits(12) }] })
  })

  test.each([
    ['of another life of the account', report(1, 9, { 1: credits(99) }), { status: 'lineage' }],
    ['that is older', report(2, 2, { 1: credits(9) }), { status: 'behind', seq: 3, sameRows: false }],
    ['that was taken before', report(2, 3, { 1: credits(10) }), { status: 'behind', seq: 3, sameRows: true }],
    ['of the same seq but other rows', report(2, 3, { 1: credits(11) }), { status: 'behind', seq: 3, sameRows: false }],
  ])('changes nothing for a report %s', (_, late, answer) => {
    const taken = stateOf(reconcile(account, report(2, 3, { 1: credits(10) }), startMs))
    const outcome = reconcile(taken, late, startMs)
    expect(answerOf(outcome)).toMatchObject(answer)
    expect(stateOf(outcome)).toEqual(taken)
  })

  test('takes what is held from a report of the same rows: that changes without them', () => {
    const one = report(2, 3, { 1: credits(10) })
    const taken = stateOf(reconcile(account, { ...one, held: credits(5) }, startMs))
    expect(viewOf(taken).held).toBe(credits(5))
    expect(viewOf(stateOf(reconcile(taken, one, startMs))).held).toBe(0)
    const older = { ...report(2, 2, { 1: credits(10) }), held: credits(7) }
    expect(viewOf(stateOf(reconcile(taken, older, startMs))).held).toBe(credits(5))
  })

  test('a new life of the account begins with any seq', () => {
    const taken = stateOf(reconcile(account, report(2, 300, { 1: credits(10) }), startMs))
    const lineage = nextLineage(taken, null, startMs)
    expect(answerOf(lineage)).toMatchObject({ lineage: 3, terms: { version: 1 } })
    expect(answerOf(reconcile(stateOf(lineage), report(3, 1, { 1: credits(10) }), startMs))).toMatchObject({
      status: 'ok',
    })
  })

  test('a new life has a number above that of a ledger which outlived the memory of the account', () => {
    const { lineage } = account
    expect(answerOf(nextLineage(account, { above: 9 }, startMs)).lineage).toBe(10)
    expect(answerOf(nextLineage(account, { above: 0 }, startMs)).lineage).toBe(lineage + 1)
    expect(answerOf(nextLineage(account, null, startMs)).lineage).toBe(lineage + 1)
  })

  test('leaves the terms as they are while only the current period is spent', () => {
    expect(answerOf(reconcile(account, report(2, 3, { 1: credits(10) }), startMs)).terms).toEqual(termsOf(account))
  })

  test('brings the policies of a changed catalogue', () => {
    const changed = { ...report(2, 3, {}), policies: { alerts: [50], depletedBelow: credits(1) } }
    expect(answerOf(reconcile(account, changed, startMs)).terms).toMatchObject({ version: 2, alertsAt: [credits(500)] })
  })
})

describe('alerts', () => {
  const account = { ...newAccount(), lineage: 1 }
  const thresholds = (state: typeof account) =>
    viewOf(state).alerts.map(({ epoch, threshold }) => `${epoch}:${threshold}`)
  const spend = (state: typeof account, seq: number, spent: Record<number, ReturnType<typeof credits>>) =>
    stateOf(reconcile(state, report(1, seq, spent), startMs))

  test.each([
    ['749.9', []],
    ['750', ['1:25']],
    ['849.9', ['1:25']],
    ['850', ['1:15', '1:25']],
    ['999.99', ['1:15', '1:25']],
    ['999.990001', ['1:0', '1:15', '1:25']],
    ['1000', ['1:0', '1:15', '1:25']],
  ])('at %s of 1,000 spent: %s', (spent, expected) => {
    expect(thresholds(spend(account, 2, { 1: credits(spent) }))).toEqual(expected)
  })

  test('are raised once a period, however often the line is crossed', () => {
    let state = spend(account, 2, { 1: credits(800) })
    state = stateOf(grant(state, grantCommand('more', credits(3000)), startMs))
    state = spend(state, 3, { 1: credits(3200) })
    expect(thresholds(state)).toEqual(['1:25'])
    state = rollOver(state, currentPeriod(state).endMs)
    // 200 of the bonus went into the first period, 800 begin the second.
    state = spend(state, 4, { 1: credits(3200), 2: credits(600) })
    expect(thresholds(state)).toEqual(['2:25', '1:25'])
  })

  test('are raised too when an earlier period turns out to have taken more', () => {
    let state = spend(account, 2, { 1: credits(100) })
    state = rollOver(state, currentPeriod(state).endMs)
    state = spend(state, 3, { 1: credits(100), 2: credits(600) })
    expect(thresholds(state)).toEqual([])
    expect(thresholds(spend(state, 4, { 1: credits(300), 2: credits(600) }))).toEqual(['2:15', '2:25'])
  })

  test('are not raised in a period without any money', () => {
    expect(thresholds(newAccount({ welcome: { amount: zero, keeps: true } }) as typeof account)).toEqual([])
  })
})

describe('taking back', () => {
  const back = (state: AccountState, amount: number, id = 'back') =>
    stateOf(takeBack(state, { id, amount: credits(amount), detail: 'charged back', by: 'op' }, startMs))

  test('takes kept credits once per id, and is listed with who and why', () => {
    const once = back(newAccount(), 300)
    expect(back(once, 300)).toEqual(once)
    expect(viewOf(once)).toMatchObject({
      terms: { granted: credits(1000), used: credits(300), card: { total: credits(700) } },
    })
    expect(viewOf(once).grants.find(({ id }) => id === 'back')).toMatchObject({
      amount: -300_000_000,
      left: 0,
      detail: 'charged back',
      by: 'op',
    })
    expect(takeBack(once, { id: 'back', amount: credits(1), detail: '', by: 'op' }, startMs)).toMatchObject({
      ok: false,
      code: 'grant_conflict',
    })
  })

  test('beyond what is there is owed: nothing shows below zero, and the next plan money pays', () => {
    const owing = back(newAccount(), 1500)
    expect(viewOf(owing).terms.card).toMatchObject({ total: 0, grants: [] })
    const upgraded = stateOf(setPlan(owing, { plan: plans.starter, by: 'op' }, startMs))
    expect(viewOf(upgraded).terms.card.total).toBe(credits(1500))
    const next = rollOver(upgraded, startMs + 32 * dayMs)
    expect(viewOf(next).terms.card.total).toBe(credits(2000))
  })
})

describe('alerts that are mailed', () => {
  const mailing = { ...policies, mailsAlerts: true }

  test('are one mail for a fall through several thresholds, about the worst', () => {
    const account = newAccount({ policies: mailing })
    const fallen = stateOf(
      reconcile({ ...account, lineage: 1 }, { ...report(1, 2, { 1: credits(900) }), policies: mailing }, startMs),
    )
    expect(fallen.alerts).toHaveLength(2)
    expect(fallen.mailsDue).toEqual(['1-15'])
    expect(nextAlertMail(fallen)).toMatchObject({ id: 'alert-ada-1-15', threshold: 15, remaining: credits(100) })
  })

  test('are not mailed once they are over: credits came, or the period has ended', () => {
    const account = newAccount({ policies: mailing })
    const fallen = stateOf(
      reconcile({ ...account, lineage: 1 }, { ...report(1, 2, { 1: credits(1000) }), policies: mailing }, startMs),
    )
    expect(nextAlertMail(fallen)).toMatchObject({ threshold: 0 })
    expect(nextAlertMail(stateOf(grant(fallen, grantCommand('pack', credits(500)), startMs)))).toBeNull()
    expect(nextAlertMail(rollOver(fallen, startMs + 40 * dayMs))).toBeNull()
  })

  test('are acknowledged once', () => {
    const account = newAccount({ policies: mailing })
    const fallen = stateOf(
      reconcile({ ...account, lineage: 1 }, { ...report(1, 2, { 1: credits(800) }), policies: mailing }, startMs),
    )
    const seen = stateOf(acknowledgeAlert(fallen, { id: '1-25' }, startMs + 5))
    expect(viewOf(stateOf(acknowledgeAlert(seen, { id: '1-25' }, startMs + 9))).alerts).toMatchObject([
      { id: '1-25', acknowledgedAtMs: startMs + 5 },
    ])
    expect(acknowledgeAlert(fallen, { id: '1-0' }, startMs)).toMatchObject({ ok: false, code: 'alert_unknown' })
  })
})

describe('closing a period', () => {
  const spent = stateOf(reconcile({ ...newAccount(), lineage: 1 }, report(1, 2, { 1: credits(100) }), startMs))
  const rolled = rollOver(spent, currentPeriod(spent).endMs)
  const nowMs = currentPeriod(rolled).startMs

  test('takes the rows of the journal, summed over employees, and leaves the terms without it', () => {
    const rows = {
      [rowOf('app', 'bo')]: row(credits(60)),
      [rowOf('app', 'cy')]: row(credits(45)),
      [rowOf('image', 'cy')]: row(credits(1)),
    }
    const closed = closeEpoch(rolled, { epoch: 1, rows }, nowMs)
    expect(answerOf(closed).terms).toMatchObject({ used: credits(106), earlier: [] })
    expect(viewOf(stateOf(closed)).periods[1]).toMatchObject({
      closed: true,
      spent: credits(106),
      rows: { [rowOf('app')]: { charged: credits(105), units: 2 }, [rowOf('image')]: { charged: credits(1) } },
    })
  })

  test('may come again with what the journal learnt later', () => {
    const closed = stateOf(closeEpoch(rolled, { epoch: 1, rows: { [rowOf('app')]: row(credits(100)) } }, nowMs))
    expect(stateOf(closeEpoch(closed, { epoch: 1, rows: { [rowOf('app')]: row(credits(100)) } }, nowMs))).toEqual(
      closed,
    )
    expect(
      answerOf(closeEpoch(closed, { epoch: 1, rows: { [rowOf('app')]: row(credits(90)) } }, nowMs)).terms,
    ).toMatchObject({ used: credits(90) })
  })

  test('in another life than the one that it left, nothing changes: the ledger may hold the period again', () => {
    const lineage = rolled.lineage
    const next = stateOf(nextLineage(rolled, null, nowMs))
    const rows = { [rowOf('app')]: row(credits(100)) }
    const late = closeEpoch(next, { epoch: 1, lineage, rows }, nowMs)
    expect(stateOf(late)).toEqual(next)
    expect(answerOf(late).terms.earlier).toMatchObject([{ epoch: 1 }])
    expect(answerOf(closeEpoch(next, { epoch: 1, lineage: next.lineage, rows }, nowMs)).terms.earlier).toEqual([])
  })

  test('a report that is late changes no closed period', () => {
    const closed = stateOf(closeEpoch(rolled, { epoch: 1, rows: { [rowOf('app')]: row(credits(100)) } }, nowMs))
    expect(
      viewOf(stateOf(reconcile(closed, report(1, 9, { 1: credits(70), 2: credits(1) }), nowMs))).periods,
    ).toMatchObject([{ spent: credits(1) }, { spent: credits(100) }])
  })

  test.each([
    ['the current period', 2, 'epoch_open'],
    ['one that never was', 0, 'epoch_unknown'],
  ])('is refused for %s', (_, epoch, code) => {
    expect(closeEpoch(rolled, { epoch, rows: {} }, nowMs)).toMatchObject({ ok: false, code })
  })
})

describe('employees', () => {
  const bo = { id: 'bo', name: 'Bo', organization: '', tier: 'fast', model: '', archived: false }

  test('are created, changed and archived, and reach the ledger with the terms', () => {
    const created = stateOf(saveEmployee(newAccount(), { ...bo, mode: 'save' }, startMs))
    const changed = stateOf(saveEmployee(created, { ...bo, tier: 'advanced', archived: true, mode: 'save' }, startMs))
    expect(termsOf(changed)).toMatchObject({
      version: 3,
      card: { employees: [{ id: 'bo', tier: 'advanced', archived: true }] },
    })
  })

  test('are changed in what is given: two changes at once are both there', () => {
    const created = stateOf(saveEmployee(newAccount(), { ...bo, mode: 'create' }, startMs))
    const archived = stateOf(saveEmployee(created, { id: 'bo', archived: true, mode: 'change' }, startMs))
    const changed = stateOf(saveEmployee(archived, { id: 'bo', tier: 'advanced', mode: 'change' }, startMs))
    expect(changed.employees).toEqual([{ ...bo, archived: true, tier: 'advanced' }])
    expect(saveEmployee(created, { id: 'eve', tier: 'fast', mode: 'change' }, startMs)).toMatchObject({
      code: 'employee_unknown',
    })
  })

  test('are created once: the same again is there, another one under its id is refused', () => {
    const created = stateOf(saveEmployee(newAccount(), { ...bo, mode: 'create' }, startMs))
    expect(stateOf(saveEmployee(created, { ...bo, mode: 'create' }, startMs))).toEqual(created)
    expect(saveEmployee(created, { ...bo, name: 'Other', mode: 'create' }, startMs)).toMatchObject({
      code: 'employee_conflict',
    })
  })

  test('at first use are created if absent, never changed', () => {
    const created = stateOf(saveEmployee(newAccount(), { ...bo, mode: 'first_use' }, startMs))
    expect(stateOf(saveEmployee(created, { ...bo, tier: 'advanced', mode: 'first_use' }, startMs))).toEqual(created)
  })

  test('number at most a thousand', () => {
    const full = {
      ...newAccount(),
      employees: Array.from({ length: 1000 }, (_, index) => ({ ...bo, id: `e${index}` })),
    }
    expect(saveEmployee(full, { ...bo, mode: 'save' }, startMs)).toMatchObject({
      ok: false,
      code: 'too_many_employees',
    })
    expect(saveEmployee(full, { ...bo, id: 'e7', mode: 'save' }, startMs)).toMatchObject({ ok: true })
  })
})

test('a late charge beyond all kept money is paid by the period that follows, once', () => {
  const account = { ...newAccount({ welcome: { amount: zero, keeps: true } }), lineage: 1 }
  const paying = stateOf(setPlan(account, { plan: plans.starter, by: 'test' }, startMs))
  const allowance = plans.starter.allowance
  const rowsOf = (first: number, second: number) => ({ 1: credits(first), 2: credits(second) })
  const own = allowance / 1_000_000
  const second = startMs + month + dayMs
  // The first period used up its own money, and then a call of it came in late.
  const late = stateOf(reconcile(rollOver(paying, second), report(1, 2, rowsOf(own + 20, 0)), second))
  expect(termsOf(late)).toMatchObject({ granted: allowance, used: credits(20) })
  const spentInSecond = stateOf(reconcile(late, report(1, 3, rowsOf(own + 20, own - 20)), second))
  const third = rollOver(spentInSecond, second + month)
  expect(currentPeriod(third).epoch).toBe(3)
  expect(termsOf(third)).toMatchObject({
    granted: allowance,
    used: 0,
    earlier: [
      { epoch: 1, free: allowance, counted: credits(own + 20) },
      { epoch: 2, free: credits(own - 20), counted: credits(own - 20) },
    ],
  })
})
