import type { Parts } from './open-parts.ts'
import type { RunningGateway } from './start-gateway.ts'
import { StartError } from './settings.ts'

export interface DemoAccount {
  readonly accountId: string
  readonly apiKey: string
  /** A user token, good for 15 minutes. */
  readonly token: string
}

const accountId = 'demo'

/** Signs the demo user up, once; the same key again as long as it is valid. */
export async function createDemoAccount({
  parts,
  gateway,
  knownKey,
}: {
  readonly parts: Pick<Parts, 'accounts' | 'journal' | 'loader'>
  readonly gateway: Pick<RunningGateway, 'tokens'>
  readonly knownKey: string | null
}): Promise<DemoAccount> {
  const signedUp = await parts.accounts.signUp({ accountId, email: 'demo@example.com', timeZone: 'UTC' })
  if (!signedUp.ok) throw new StartError(signedUp.code, `the demo account cannot be made: ${signedUp.message}`)
  await parts.loader.load(accountId)
  const { token } = await gateway.tokens.mint(accountId)
  const known = knownKey === null ? null : await parts.journal.findKey(knownKey)
  if (known !== null && known.revokedAtMs === null) return { accountId, apiKey: knownKey!, token }
  const { secret } = await parts.journal.createKey({
    accountId,
    name: 'demo',
    employees: null,
    mayName: { employee: true, organization: true, message: true, purpose: true },
    createsEmployees: true,
    by: 'npm start',
  })
  return { accountId, apiKey: secret, token }
}
