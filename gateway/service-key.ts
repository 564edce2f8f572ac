import { accountHeader } from '../middleware/attribution-headers.ts'
import type { AccountReader } from './account-reader.ts'
import { isName, nameShape } from './attribution.ts'
import type { CallerKey } from './deps.ts'
import type { CallError } from './openai-error.ts'

/** What the service key may do for the account that a request names: all that an ordinary key of that account can be allowed to. Rejects when the ledger does not answer. */
export async function serviceKeyOf(
  accountId: string | undefined,
  readAccount: AccountReader,
): Promise<CallerKey | CallError> {
  if (accountId === undefined || accountId === '')
    return {
      code: 'missing_account',
      message: `the service key acts for any account: say for which in ${accountHeader}`,
      param: accountHeader,
    }
  if (!isName(accountId))
    return { code: 'invalid_request', message: `${accountHeader} ${nameShape}`, param: accountHeader }
  if ((await readAccount(accountId)) === 'unknown')
    return { code: 'account_unknown', message: `there is no account ${accountId}`, param: accountHeader }
  return {
    id: 'service',
    accountId,
    employees: null,
    createsEmployees: true,
    mayName: { employee: true, organization: true, message: true, purpose: true },
  }
}
