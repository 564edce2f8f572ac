import type { EmployeeCard } from '../terms.ts'
import { withDefaultBudget } from './budgets.ts'
import { changed } from './changed.ts'
import type { EmployeeCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They travel with every version of the terms; an account with more wants another design. */
const mostEmployees = 1000

/**
 * Creates, replaces or changes the employee of that id, archived ones included. A new one gets the default budget, if there is one. Safe to repeat. Refuses with `too_many_employees`,
 * `employee_conflict` (to create one whose id another has) and `employee_unknown` (to change one that is not there).
 */
export function saveEmployee(
  state: AccountState,
  { mode, ...given }: EmployeeCommand,
  nowMs: number,
): Outcome<TermsAnswer> {
  const current = rollOver(state, nowMs)
  const at = current.employees.findIndex((each) => each.id === given.id)
  const present = at < 0 ? undefined : current.employees[at]
  if (mode === 'change' && present === undefined)
    return refuse('employee_unknown', `this account has no employee ${given.id}`)
  const { id, name, organization, tier, model, archived } = { ...present, ...given } as EmployeeCard
  const employee: EmployeeCard = { id, name, organization, tier, model, archived }
  if (mode === 'create' && present !== undefined && !same(present, employee))
    return refuse('employee_conflict', `there is another employee ${id}`)
  if (present !== undefined && (mode === 'first_use' || mode === 'create'))
    return { ok: true, state: current, answer: { terms: termsOf(current) } }
  if (present === undefined && current.employees.length >= mostEmployees)
    return refuse('too_many_employees', `an account has at most ${mostEmployees} employees`)
  const employees = present === undefined ? [...current.employees, employee] : current.employees.with(at, employee)
  const saved = { ...current, employees }
  const next = changed(current, present === undefined ? withDefaultBudget(saved, id) : saved, nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}

function same(one: EmployeeCard, other: EmployeeCard): boolean {
  return (['name', 'organization', 'tier', 'model', 'archived'] as const).every((field) => one[field] === other[field])
}
