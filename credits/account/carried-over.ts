import type { AccountState } from './state.ts'

/** What states have that an older run, which hands over to this one, did not know. */
const added: Pick<
  AccountState,
  'organizations' | 'budgets' | 'newEmployeeBudget' | 'rewardsDue' | 'takenBack' | 'ordersTaken' | 'mailsDue'
> = {
  organizations: [],
  budgets: [],
  newEmployeeBudget: null,
  rewardsDue: [],
  takenBack: [],
  ordersTaken: [],
  mailsDue: [],
}

/** The state that a run was started with, with everything that states have now. */
export function carriedOver(state: AccountState | null): AccountState | null {
  return state === null ? null : { ...added, ...state }
}
