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
  /** The card of the employee that a call names; undefined when it names none. One that is new is created if the key may do so: in the background, unless new ones get a budget. */
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
  const created = new LRUCache<string, Promise<boolean>>({ max: 10_000, ttl: createdForMs, perf: deps.clock })

  /** Whether the employee is there; at once where it was created a moment ago. */
  async function create(accountId: string, card: EmployeeCard): Promise<boolean> {
    const key = `${accountId}\n${card.id}`
    const known = created.get(key)
    if (known !== undefined) return known
    const done = deps.ensureEmployee(accountId, card).then(
      () => true,
      (error: unknown) => {
        created.delete(key)
        deps.log.warn({ err: error, accountId }, 'an employee could not be created now; its next call tries again')
        return false
      },
    )
    created.set(key, done)
    return done
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
      const created = create(accountId, card)
      // Its budget comes with it: until then nothing would hold it
      if (account.card.newEmployeeBudget != null && !(await created)) return notCreated
      return { ok: true, card }
    },
  }
}

const notAllowed = (message: string): Met => ({ ok: false, error: { code: 'attribution_not_allowed', message } })

const notCreated: Met = {
  ok: false,
  error: refusalError({ kind: 'ledger_unavailable', reason: 'the employee could not be created with its budget' }),
}
