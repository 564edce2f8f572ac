import type { OrganizationCard } from '../terms.ts'
import { changed } from './changed.ts'
import type { OrganizationCommand, TermsAnswer } from './messages.ts'
import { rollOver } from './roll-over.ts'
import { type AccountState, type Outcome, refuse } from './state.ts'
import { termsOf } from './terms-of.ts'

/** They travel with every version of the terms. */
const mostOrganizations = 200

/**
 * Creates, replaces or changes the organization of that id. All of them spend the account's one balance. Safe to repeat. Refuses with `too_many_organizations`, `organization_conflict` (to create one
 * whose id another has) and `organization_unknown` (to change one that is not there).
 */
export function saveOrganization(
  state: AccountState,
  { mode = 'save', ...given }: OrganizationCommand,
  nowMs: number,
): Outcome<TermsAnswer> {
  const current = rollOver(state, nowMs)
  const at = current.organizations.findIndex((each) => each.id === given.id)
  const present = at < 0 ? undefined : current.organizations[at]
  if (mode === 'change' && present === undefined)
    return refuse('organization_unknown', `this account has no organization ${given.id}`)
  const { id, name, archived } = { ...present, ...given } as OrganizationCard
  const organization: OrganizationCard = { id, name, archived }
  if (mode === 'create' && present !== undefined && (present.name !== name || present.archived !== archived))
    return refuse('organization_conflict', `there is another organization ${id}`)
  if (present === undefined && current.organizations.length >= mostOrganizations)
    return refuse('too_many_organizations', `an account has at most ${mostOrganizations} organizations`)
  const organizations =
    present === undefined ? [...current.organizations, organization] : current.organizations.with(at, organization)
  const next = changed(current, { ...current, organizations }, nowMs)
  return { ok: true, state: next, answer: { terms: termsOf(next) } }
}
