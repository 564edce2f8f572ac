import { ApiError } from './error.ts'
import type { User } from './who.ts'

/**
 * A key changes the account (employees, organizations, budgets, plan, what is bought, whom it invites) only if it may create employees: one that is made for calls cannot give its employee a
 * dearer model, or cancel the plan of whoever lent it.
 */
export function mayWrite(user: User): User {
  if (user.via === 'key' && !user.key.createsEmployees) {
    throw new ApiError(
      'forbidden',
      'this API key may not change the account (it lacks createsEmployees); use a user token or another key',
    )
  }
  return user
}
