import { describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import type { BudgetRule } from '../../credits/terms.ts'
import { createEmployees } from '../../gateway/employees.ts'
import type { AccountReading } from '../../ledger/ledger.ts'
import { systemClock } from '../../middleware/clock.ts'

const key = { accountId: 'ada', createsEmployees: true } as never
const budget: BudgetRule = { limit: creditsToMicro(5), window: 'month', atLimit: 'stop' }

function employees(newEmployeeBudget: BudgetRule | null, ensured: Promise<void>) {
  const log = { warn: () => undefined, error: () => undefined }
  const reading = { card: { employees: [], newEmployeeBudget } } as unknown as AccountReading
  return createEmployees({ ensureEmployee: () => ensured, clock: systemClock, log }, () => Promise.resolve(reading))
}
const meet = (met: ReturnType<typeof employees>) =>
  met.meet(key, { accountId: 'ada', employee: 'bo', organization: '' } as never)

describe('an employee whom a call names for the first time', () => {
  test('is waited for where new ones get a budget: until it is there, nothing would hold the call', async () => {
    let arrive = (): void => {}
    const ensured = new Promise<void>((resolve) => (arrive = resolve))
    let isMet = false
    const met = meet(employees(budget, ensured)).then((answer) => {
      isMet = true
      return answer
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isMet).toBe(false)
    arrive()
    expect(await met).toMatchObject({ ok: true, card: { id: 'bo' } })
  })

  test('is refused where its budget cannot be set, and let through where there is none to set', async () => {
    const away = () => Promise.reject(new Error('away'))
    expect(await meet(employees(budget, away()))).toMatchObject({ ok: false })
    expect(await meet(employees(null, away()))).toMatchObject({ ok: true })
  })
})
