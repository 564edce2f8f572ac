import { expect, test } from 'vitest'
import type { Terms } from '../../credits/terms.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import { createLiveAccounts, type LiveAccountsDeps } from '../../middleware/live-accounts.ts'

const before = { version: 1 } as Terms
const after = { version: 2 } as Terms
const accounts = { grant: async () => ({ ok: true, terms: after }) } as unknown as Accounts
const command = {} as Parameters<Accounts['grant']>[1]

/** A ledger that does not hold the account until it is loaded. */
function unloaded(load: () => Promise<Terms>) {
  const held: { terms?: Terms; error?: unknown } = {}
  const deps: LiveAccountsDeps = {
    accounts,
    ledger: {
      putTerms: async (_, terms) => {
        if (held.terms === undefined) return { status: 'account_not_loaded' }
        held.terms = terms
        return { status: 'put' }
      },
    },
    loader: {
      load: async () => {
        held.terms = await load()
        return 'loaded'
      },
      forget: () => undefined,
    },
    onNotLive: (_, error) => (held.error = error),
  }
  return { live: createLiveAccounts(deps), held }
}

test('a grant that meets a load is live when it has its answer, though the load had asked for the terms before it', async () => {
  const { live, held } = unloaded(() => Promise.resolve(before))
  expect(await live.grant('a', command)).toMatchObject({ ok: true })
  expect(held.terms).toEqual(after)
})

test('a grant succeeds though the account cannot be loaded now, and says that it is not live', async () => {
  const away = new JournalUnavailable('away')
  const { live, held } = unloaded(() => Promise.reject(away))
  expect(await live.grant('a', command)).toMatchObject({ ok: true })
  expect(held.error).toBe(away)
})
