import { LRUCache } from 'lru-cache'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import type { Journal } from '../journal/journal.ts'
import type { SignIn } from '../journal/sign-ins.ts'
import type { Clock } from './clock.ts'

export interface SignIns {
  /** Who is signed in under this secret; one that was seen a moment ago is known while the journal is away, any other is `unavailable` then. */
  find(secret: string): Promise<SignIn | 'unknown' | 'ended' | 'expired' | 'unavailable'>
  /** At once here, within `knownForMs` on every other gateway. */
  end(secret: string): Promise<void>
}

/** How long a gateway believes what it read: a page asks several times a second. */
const knownForMs = 5_000
const most = 50_000

/** Whether it could be a secret of ours at all: what saves a question to the journal. */
export function looksLikeSignIn(secret: string): boolean {
  return /^tg_web_[A-Za-z0-9_-]{43}$/.test(secret)
}

export function createSignIns({
  journal,
  clock,
}: {
  readonly journal: Pick<Journal, 'signIns'>
  readonly clock: Pick<Clock, 'now'>
}): SignIns {
  const known = new LRUCache<string, { readonly found: SignIn | null }>({ max: most, ttl: knownForMs, perf: clock })

  async function lookUp(secret: string): Promise<SignIn | null> {
    const cached = known.get(secret)
    if (cached !== undefined) return cached.found
    const found = await journal.signIns.find(secret)
    known.set(secret, { found })
    return found
  }

  return {
    async find(secret) {
      if (!looksLikeSignIn(secret)) return 'unknown'
      try {
        const found = await lookUp(secret)
        if (found === null) return 'unknown'
        if (found.endedAtMs !== null) return 'ended'
        return found.expiresAtMs <= clock.now() ? 'expired' : found
      } catch (error) {
        if (error instanceof JournalUnavailable) return 'unavailable'
        throw error
      }
    },
    async end(secret) {
      await journal.signIns.end(secret)
      known.delete(secret)
    },
  }
}
