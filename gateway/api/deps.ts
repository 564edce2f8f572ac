import type { Catalogue } from '../../credits/catalogue.ts'
import type { Journal } from '../../journal/journal.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { UndrainedReceipts } from '../../ledger/undrained-receipts.ts'
import type { Accounts } from '../../middleware/accounts.ts'
import type { KeyRing } from '../../middleware/api-keys.ts'
import type { Clock } from '../../middleware/clock.ts'
import type { Mailer } from '../../middleware/mail/mailer.ts'
import type { AccountLoader } from '../../middleware/load-account.ts'
import type { Sessions } from '../../middleware/sessions/sessions.ts'
import type { SignIns } from '../../middleware/sign-ins.ts'
import type { UserTokens } from '../../middleware/user-tokens.ts'
import type { Checkout } from '../checkout/checkout.ts'
import type { CallEstimate, EstimateRequest } from '../estimate.ts'
import type { Feeds } from '../feed/feeds.ts'
import type { Paces } from './paces.ts'

/** What the credits and admin API work with. `bin/` puts it together; nothing here opens a connection. */
export interface ApiDeps {
  readonly ledger: Pick<Ledger, 'read' | 'inspect'>
  readonly undrained: UndrainedReceipts
  readonly journal: Journal
  /** What they change is in the ledger when they answer (middleware/live-accounts.ts). */
  readonly accounts: Accounts
  readonly loader: Pick<AccountLoader, 'load' | 'forget'>
  readonly keys: Pick<KeyRing, 'find'>
  readonly tokens: UserTokens
  readonly signIns: SignIns
  readonly adminKey: string
  readonly mailer: Mailer
  /** Takes the money for packs and plans; null: nothing is sold here. */
  readonly checkout: Checkout | null
  /** Where users reach the gateway, without a slash at its end. Known once it listens. */
  readonly publicUrl: () => string
  /** Whether anybody may sign up here. */
  readonly signUpOpen: boolean
  readonly catalogue: Catalogue
  /** Whether a provider can be asked: it has its key, or needs none. */
  readonly usable: (providerId: string) => boolean
  readonly estimate: (
    request: EstimateRequest,
  ) => CallEstimate | { readonly unknown: string } | { readonly notPriced: string }
  readonly feeds: Feeds
  readonly paces: Paces
  readonly sessions: Sessions
  readonly clock: Clock
  readonly log: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Asks every part whether it answers; the reason where it does not. */
  readonly parts: Readonly<Record<'ledger' | 'outbox' | 'temporal' | 'journal', () => Promise<void>>>
  readonly links: { readonly temporalUi: string | null }
  readonly version: string
}
