import { LRUCache } from 'lru-cache'
import type { EmployeeCard } from '../credits/terms.ts'
import type { AccountReader } from './account-reader.ts'
import type { Attribution } from './attribution.ts'
import type { CallerKey, GatewayDeps } from './deps.ts'
import { type CallError, refusalError } from './openai-error.ts'

export type Met =
  | { readonly ok: true; readonly card: EmployeeCard | undefined }
  | { readonly ok: false; readonly error: CallError }

export interface Employees {
  /** The card of the employee that a call names; undefined when it names none. One that is new is created, in the background, if the key may do so. */
  meet(key: CallerKey, who: Attribution): Promise<Met>
}

/** An employee that was just created appears on the account's card within this time; until then it is not created again. */
const createdForMs = 10_000
/** Of an employee that nobody has set up. */
const firstTier = 'standard'

export function createEmployees(
  deps: Pick<GatewayDeps, 'ensureEmployee' | 'clock' | 'log'>,
  readAccount: AccountReader,
): Employees {
  const created = new LRUCache<string, true>({ max: 10_000, ttl: createdForMs, perf: deps.clock })

  function create(accountId: string, card: EmployeeCard): void {
    const key = `${accountId}\n${card.id}`
    if (created.has(key)) return
    created.set(key, true)
    deps.ensureEmployee(accountId, card).catch((error: unknown) => {
      created.delete(key)
      deps.log.warn({ err: error, accountId }, 'an employee could not be created now; its next call tries again')
    })
  }

  return {
    async meet({ createsEmployees }, { accountId, employee, organization }) {
      if (employee === '') return { ok: true, card: undefined }
      const account = await readAccount(accountId)
      if (account === 'unknown') return { ok: false, error: refusalError({ kind: 'account_unknown' }) }
      const known = account.card.employees.find(({ id }) => id === employee)
      if (known?.archived === true) return notAllowed(`employee ${employee} is archived`)
      if (known !== undefined) return { ok: true, card: known }
      if (!createsEmployees) return notAllowed(`this account has no employee ${employee}`)
      const card = { id: employee, name: employee, organization, tier: firstTier, model: '', archived: false }
      create(accountId, card)
      return { ok: true, card }
    },
  }
}

const notAllowed = (message: string): Met => ({ ok: false, error: { code: 'attribution_not_allowed', message } })
