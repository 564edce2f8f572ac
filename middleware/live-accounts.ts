import type { Terms } from '../credits/terms.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { AccountAnswer, Accounts } from './accounts.ts'
import type { AccountLoader } from './load-account.ts'

export interface LiveAccountsDeps {
  readonly accounts: Accounts
  readonly ledger: Pick<Ledger, 'putTerms'>
  readonly loader: Pick<AccountLoader, 'load' | 'forget'>
  /** The account could not be brought into the ledger now; the command has succeeded all the same. */
  readonly onNotLive?: (accountId: string, error: unknown) => void
}

/**
 * The same accounts, but what a command changed is in the ledger when its answer comes: a grant can be spent at once. With the
 * ledger away the command still succeeds, since the account workflow goes on trying to bring it the terms.
 */
export function createLiveAccounts({ accounts, ledger, loader, onNotLive }: LiveAccountsDeps): Accounts {
  return {
    ...accounts,
    signUp: async (request) => {
      const answer = await accounts.signUp(request)
      if (answer.ok) {
        loader.forget(request.accountId)
        // Whatever keeps the account from being loaded now will keep or not keep its first call, which loads it too.
        await loader.load(request.accountId).catch((error: unknown) => onNotLive?.(request.accountId, error))
      }
      return answer
    },
    grant: (accountId, command) => put(accountId, accounts.grant(accountId, command)),
    saveOrganization: (accountId, command) => put(accountId, accounts.saveOrganization(accountId, command)),
    saveBudget: (accountId, command) => put(accountId, accounts.saveBudget(accountId, command)),
    removeBudget: (accountId, command) => put(accountId, accounts.removeBudget(accountId, command)),
    raiseBudget: (accountId, command) => put(accountId, accounts.raiseBudget(accountId, command)),
    takeBack: (accountId, command) => put(accountId, accounts.takeBack(accountId, command)),
    setPlan: (accountId, command) => put(accountId, accounts.setPlan(accountId, command)),
    saveEmployee: (accountId, command) => put(accountId, accounts.saveEmployee(accountId, command)),
  }

  async function put<Answer extends { readonly terms: Terms }>(
    accountId: string,
    asked: Promise<AccountAnswer<Answer>>,
  ): Promise<AccountAnswer<Answer>> {
    const answer = await asked
    if (answer.ok) {
      try {
        const { status } = await ledger.putTerms(accountId, answer.terms)
        if (status === 'account_not_loaded') {
          // Somebody may be loading it with the terms of before.
          await loader.load(accountId)
          await ledger.putTerms(accountId, answer.terms)
        }
      } catch (error) {
        if (!(error instanceof Error && error.name.endsWith('Unavailable'))) throw error
        onNotLive?.(accountId, error)
      }
    }
    return answer
  }
}
