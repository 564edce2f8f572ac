import type { EmployeeCard } from '../terms.ts'
import { changed } from './changed.ts'
import type { EmployeeCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They travel with every version of the terms; an account with more wants another design. */
const mostEmployees = 1000

/**
 * Creates or replaces the employee of that id, archived ones included; `first_use` only creates. Safe to repeat. Refuses with
 * `too_many_employees`.
 */
export function saveEmployee(
  state: AccountState,
  { mode, ...given }: EmployeeCommand,
  nowMs: number,
): Outcome<TermsAnswer> {
  const { id, name, organization, tier, model, archived } = given
  const employee: EmployeeCard = { id, name, organization, tier, model, archived }
  const current = rollOver(state, nowMs)
  const at = current.employees.findIndex((each) => each.id === id)
  if (at >= 0 && mode === 'first_use') return { ok: true, state: current, answer: { terms: termsOf(current) } }
  if (at < 0 && current.employees.length >= mostEmployees)
    return refuse('too_many_employees', `an account has at most ${mostEmployees} employees`)
  const employees = at < 0 ? [...current.employees, employee] : current.employees.with(at, employee)
  const next = changed(current, { ...current, employees }, nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}
