import type { AccountRefusal } from '../../credits/account/messages.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { AccountReading, AccountSnapshot } from '../../ledger/ledger.ts'
import { ApiError, type ErrorCode } from '../error.ts'
import type { ApiDeps } from './deps.ts'

/** What the ledger says of an account, which is brought in first if it is not there. 404 `account_unknown` when nobody knows it. */
export async function readAccount(
  { ledger, loader }: Pick<ApiDeps, 'ledger' | 'loader'>,
  accountId: string,
): Promise<AccountReading> {
  return loaded(() => ledger.read(accountId), loader, accountId)
}

/** All that the ledger holds of an account, budget windows included; as `readAccount`. */
export async function inspectAccount(
  { ledger, loader }: Pick<ApiDeps, 'ledger' | 'loader'>,
  accountId: string,
): Promise<AccountSnapshot> {
  return loaded(() => ledger.inspect(accountId), loader, accountId)
}

/** The answer of a ledger read, repeated once the account is loaded. */
export async function loaded<T extends { readonly status: 'loaded' }>(
  read: () => Promise<T | { readonly status: 'account_not_loaded' }>,
  loader: ApiDeps['loader'],
  accountId: string,
): Promise<T> {
  // Twice: an idle account may leave again between being loaded and being read.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const answer = await read()
    if (answer.status === 'loaded') return answer
    if ((await loader.load(accountId)) === 'unknown')
      throw new ApiError('account_unknown', `there is no account ${accountId}`)
  }
  throw new ApiError('ledger_unavailable', 'the account cannot be loaded right now; try again', {
    fields: { retryAfter: 2 },
    headers: { 'retry-after': '2' },
  })
}

/** The answer of an account command; its refusal as an error of this API. */
export function accepted<T extends { readonly ok: true }>(answer: T | AccountRefusal): T {
  if (answer.ok) return answer
  throw refused(answer)
}

/** A refusal of an account as an error of this API. */
export function refused(refusal: AccountRefusal): ApiError {
  const codes = {
    account_unknown: 'account_unknown',
    account_conflict: 'account_conflict',
    grant_conflict: 'grant_conflict',
    amount_invalid: 'amount_invalid',
    plan_unknown: 'plan_unknown',
    time_zone_unknown: 'time_zone_unknown',
    too_many_employees: 'too_many_employees',
    employee_unknown: 'employee_unknown',
    employee_conflict: 'employee_conflict',
    organization_unknown: 'organization_unknown',
    organization_conflict: 'organization_conflict',
    too_many_grants: 'too_many_grants',
    alert_unknown: 'alert_unknown',
    too_many_organizations: 'too_many_organizations',
    too_many_budgets: 'too_many_budgets',
    budget_unknown: 'budget_unknown',
    version_conflict: 'version_conflict',
    epoch_unknown: 'internal_error',
    epoch_open: 'internal_error',
  } as const satisfies Record<AccountRefusal['code'], ErrorCode>
  return new ApiError(codes[refusal.code], refusal.message)
}

/** The answer, or null while the journal is away: for what is shown as not available rather than refused. */
export async function unlessJournalAway<T>(asked: Promise<T>): Promise<T | null> {
  return asked.catch((error: unknown) => {
    if (error instanceof JournalUnavailable) return null
    throw error
  })
}
