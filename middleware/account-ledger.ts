import type { Client } from '@temporalio/client'
import type { Cluster, Redis } from 'ioredis'
import { accountTaskQueue } from '../credits/account/task-queue.ts'
import type { Catalogue } from '../credits/catalogue.ts'
import type { Journal } from '../journal/journal.ts'
import { createLedger, type Ledger } from '../ledger/ledger.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import type { Clock } from './clock.ts'
import { type AccountLoader, createAccountLoader } from './load-account.ts'
import { createUnderWay } from './under-way.ts'

export interface AccountLedgerDeps {
  readonly redis: Redis | Cluster
  readonly journal: Pick<Journal, 'totals'>
  readonly client: Client
  readonly catalogue: Catalogue
  /** How far the clocks of all processes and Redis may differ. */
  readonly clockSlackMs: number
  /** Lease of a hold. */
  readonly holdMs: number
  readonly clock: Clock
  /** Settlements that were answered although no replica has confirmed them, where there are replicas. */
  readonly onUnconfirmed: (settlements: number) => void
}

export interface AccountLedger {
  readonly ledger: Ledger
  readonly accounts: Accounts
  readonly loader: AccountLoader
  /** Resolves when no workflow is being asked any more. Only then may a connection close without its process: a retry of the SDK on a closed one would end it. */
  readonly idle: () => Promise<void>
}

/** The ledger by the catalogue's policies, and the way by which accounts come into it. All processes on one Redis have the same settings. */
export function createAccountLedger({
  redis,
  journal,
  client,
  catalogue,
  clockSlackMs,
  holdMs,
  clock,
  onUnconfirmed,
}: AccountLedgerDeps): AccountLedger {
  const ledger = createLedger(redis, {
    ...catalogue.policies,
    slackMs: clockSlackMs,
    // After two leases every call of a lost ledger is settled or dead.
    quarantineMs: 2 * holdMs,
    settling: { onUnconfirmed },
  })
  const underWay = createUnderWay()
  const accounts = createAccounts({
    client,
    taskQueue: accountTaskQueue,
    catalogue,
    onCall: underWay.add,
  })
  return {
    ledger,
    accounts,
    loader: createAccountLoader({ ledger, accounts, journal, clock }),
    idle: underWay.idle,
  }
}
