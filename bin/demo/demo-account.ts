import { employees } from '../../examples/company/employees.ts'
import { accountTaskQueue } from '../../credits/account/task-queue.ts'
import type { Parts } from '../open-parts.ts'
import type { RunningGateway } from '../start-gateway.ts'
import { StartError } from '../settings.ts'
import { beginPast } from './begin-past.ts'
import { pastAccount } from './past-account.ts'

export interface DemoAccount {
  readonly accountId: string
  readonly apiKey: string
  /** A user token, good for 15 minutes. */
  readonly token: string
  /** Signs a browser in as the demo user, once. */
  readonly signInLink: string
}

const accountId = 'demo'
const email = 'demo@example.com'
const linkLifetimeMs = 3_600_000

/** What each of the company's employees did on a working day of the past. */
const messages = { ada: 9, bruno: 5, clara: 3 } as const

/** Signs the demo user up, once, with a past up to `sinceMs`; the same key again as long as it is valid. */
export async function createDemoAccount({
  parts,
  gateway,
  knownKey,
  sinceMs,
}: {
  readonly parts: Pick<Parts, 'accounts' | 'journal' | 'loader' | 'client' | 'catalogue'>
  readonly gateway: Pick<RunningGateway, 'tokens' | 'url'>
  readonly knownKey: string | null
  /** null: without a past. */
  readonly sinceMs: number | null
}): Promise<DemoAccount> {
  if (sinceMs !== null) {
    const workers = employees.map((employee) => ({ ...employee, messages: messages[employee.id] }))
    await beginPast(
      { ...parts, taskQueue: accountTaskQueue },
      pastAccount({ accountId, email, catalogue: parts.catalogue, employees: workers, untilMs: sinceMs }),
    )
  }
  const signedUp = await parts.accounts.signUp({ accountId, email, timeZone: 'UTC' })
  if (!signedUp.ok) throw new StartError(signedUp.code, `the demo account cannot be made: ${signedUp.message}`)
  await parts.journal.people.note({ email, accountId })
  await parts.loader.load(accountId)
  const { token } = await gateway.tokens.mint(accountId)
  const code = await parts.journal.signIns.createLink({
    accountId,
    lifetimeMs: linkLifetimeMs,
    most: Number.MAX_SAFE_INTEGER,
  })
  const signInLink = `${gateway.url}/login?code=${code}`
  const known = knownKey === null ? null : await parts.journal.findKey(knownKey)
  if (known !== null && known.revokedAtMs === null) return { accountId, apiKey: knownKey!, token, signInLink }
  const { secret } = await parts.journal.createKey({
    accountId,
    name: 'demo',
    employees: null,
    mayName: { employee: true, organization: true, message: true, purpose: true },
    createsEmployees: true,
    by: 'npm start',
  })
  return { accountId, apiKey: secret, token, signInLink }
}
