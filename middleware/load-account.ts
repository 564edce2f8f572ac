import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Journal } from '../journal/journal.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Accounts, TemporalUnavailable } from './accounts.ts'
import type { Clock } from './clock.ts'

export interface AccountLoader {
  /**
   * Brings an account into Redis; `unknown` when nobody has signed up under this id. May be repeated, and called by many at once.
   * Rejects with TemporalUnavailable, JournalUnavailable or LedgerUnavailable when it cannot be known now.
   */
  load(accountId: string): Promise<'loaded' | 'unknown'>
  /** The account exists now, whatever was heard before. */
  forget(accountId: string): void
  /**
   * Calls `listener` for each account that was away when this loader was asked for it and is there now, whoever loaded it: what it lost with
   * its ledger can be sent again.
   */
  onHydrated(listener: (accountId: string) => void): void
}

export interface AccountLoaderDeps {
  readonly ledger: Pick<Ledger, 'read' | 'lock' | 'unlock' | 'hydrate'>
  readonly accounts: Pick<Accounts, 'nextLineage'>
  readonly journal: Pick<Journal, 'totals'>
  readonly clock: Clock
}

/** Longer than a load takes at its slowest; a loader that died is replaced after it. */
const lockMs = 60_000
const retryMs = 100
/** Callers wait no longer: they answer 503, and the next call finds the account there. */
const patienceMs = 15_000
/** A sign-up elsewhere is seen after this long. */
const unknownForMs = 5_000

/** Loads accounts that Redis does not hold, by protocol.md 8: terms from the workflow, totals from the journal alone. */
export function createAccountLoader({ ledger, accounts, journal, clock }: AccountLoaderDeps): AccountLoader {
  const inFlight = new Map<string, Promise<'loaded' | 'unknown'>>()
  const unknownUntilMs = new LRUCache<string, number>({ max: 10_000 })
  const listeners: ((accountId: string) => void)[] = []

  return {
    load(accountId) {
      if ((unknownUntilMs.get(accountId) ?? 0) > clock.now()) return Promise.resolve('unknown')
      let loading = inFlight.get(accountId)
      if (loading === undefined) {
        loading = load(accountId)
          .then(tell(accountId))
          .finally(() => inFlight.delete(accountId))
        inFlight.set(accountId, loading)
      }
      return loading
    },
    forget(accountId) {
      unknownUntilMs.delete(accountId)
    },
    onHydrated(listener) {
      listeners.push(listener)
    },
  }

  function tell(accountId: string) {
    return (outcome: 'loaded' | 'unknown') => {
      if (outcome === 'loaded') for (const listener of listeners) listener(accountId)
      return outcome
    }
  }

  async function load(accountId: string): Promise<'loaded' | 'unknown'> {
    const giveUpMs = clock.now() + patienceMs
    for (;;) {
      const token = randomUUID()
      if (await locked(accountId, token)) {
        const outcome = await hydrate(accountId, token)
        if (outcome !== 'again') return outcome
      } else if ((await ledger.read(accountId)).status === 'loaded') {
        // The holder of the lock, in another process, was faster.
        return 'loaded'
      }
      if (clock.now() > giveUpMs) throw new TemporalUnavailable(`account ${accountId} could not be loaded in time`)
      await clock.sleep(retryMs)
    }
  }

  async function locked(accountId: string, token: string): Promise<boolean> {
    try {
      return await ledger.lock(accountId, token, lockMs)
    } catch (error) {
      // It may have been taken all the same, and nobody else could load the account until it ends by itself.
      void ledger.unlock(accountId, token).catch(() => undefined)
      throw error
    }
  }

  async function hydrate(accountId: string, token: string): Promise<'loaded' | 'unknown' | 'again'> {
    try {
      if ((await ledger.read(accountId)).status === 'loaded') return 'loaded'
      const answer = await accounts.nextLineage(accountId)
      if (!answer.ok) {
        unknownUntilMs.set(accountId, clock.now() + unknownForMs)
        return 'unknown'
      }
      const { lineage, terms, held } = answer
      const { epochs, budgets, newestBirthMs, nowMs } = await journal.totals(accountId, {
        epochs: [terms.epoch, ...terms.earlier.map((earlier) => earlier.epoch)],
        levels: terms.budgets.map(({ level }) => level),
      })
      const life = { accountId, token, lineage, terms, epochs, budgets, held, newestBirthMs, journalNowMs: nowMs }
      const { status } = await ledger.hydrate(life)
      return status === 'lock_lost' ? 'again' : 'loaded'
    } finally {
      // An account that was unknown can sign up and load at once. Should this fail, the lock ends by itself.
      await ledger.unlock(accountId, token).catch(() => undefined)
    }
  }
}
