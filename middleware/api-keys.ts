import { LRUCache } from 'lru-cache'
import { hashSecret, looksLikeSecret, type ApiKey } from '../journal/api-key.ts'
import { JournalUnavailable } from '../journal/journal-unavailable.ts'
import type { Journal } from '../journal/journal.ts'
import type { Clock } from './clock.ts'

export interface KeyRing {
  /**
   * The key of a secret. A key that was seen once stays valid while the journal is away; one that was not answers 'unavailable' then
   * (503, never 401). A revocation by any gateway is known here within two polls.
   */
  find(secret: string): Promise<ApiKey | 'unknown' | 'revoked' | 'unavailable'>
  /** Stops polling. */
  close(): Promise<void>
}

export interface KeyRingDeps {
  readonly journal: Pick<Journal, 'findKey' | 'keysChangedSince' | 'latestKeySerial'>
  readonly pollMs?: number
  readonly clock: Pick<Clock, 'now' | 'every'>
  /** Hears of every poll that failed: revocations are not seen until one succeeds. */
  readonly onPollFailure?: (error: unknown) => void
}

const mostKeys = 50_000
const unknownForMs = 2_000
const pageOfChanges = 1_000

/** Keeps the API keys that a gateway meets, and follows the journal's changes to them. */
export function createKeyRing({ journal, pollMs = 400, clock, onPollFailure = () => {} }: KeyRingDeps): KeyRing {
  const known = new LRUCache<string, ApiKey>({ max: mostKeys })
  // Apart from the known ones, so that a flood of guesses cannot push them out.
  const unknown = new LRUCache<string, true>({ max: mostKeys, ttl: unknownForMs, perf: clock })
  const lookups = new Map<string, Promise<ApiKey | null>>()
  let followedTo: number | null = null
  let following: Promise<void> | null = null

  /** A look-up that was answered before a revocation but arrives after it must not bring the key back. */
  function remember(key: ApiKey): ApiKey {
    const newer = known.get(key.secretHash)
    if (newer !== undefined && newer.serial > key.serial) return newer
    known.set(key.secretHash, key)
    unknown.delete(key.secretHash)
    return key
  }

  async function readChanges(): Promise<void> {
    followedTo ??= await journal.latestKeySerial()
    for (;;) {
      const changed = await journal.keysChangedSince(followedTo)
      for (const key of changed) followedTo = remember(key).serial
      if (changed.length < pageOfChanges) return
    }
  }

  function follow(): Promise<void> {
    following ??= readChanges().finally(() => (following = null))
    return following
  }

  async function lookUp(secret: string): Promise<ApiKey | null> {
    // Without knowing where the changes stand, a revocation between look-up and first poll would be missed.
    if (followedTo === null) await follow()
    const key = await journal.findKey(secret)
    return key === null ? null : remember(key)
  }

  const stop = clock.every(pollMs, () => void follow().catch(onPollFailure))
  return {
    async find(secret) {
      if (!looksLikeSecret(secret)) return 'unknown'
      const hash = hashSecret(secret)
      const cached = known.get(hash)
      if (cached !== undefined) return cached.revokedAtMs === null ? cached : 'revoked'
      if (unknown.has(hash)) return 'unknown'
      const running = lookups.get(hash) ?? lookUp(secret).finally(() => lookups.delete(hash))
      lookups.set(hash, running)
      try {
        const key = await running
        if (key !== null) return key.revokedAtMs === null ? key : 'revoked'
        unknown.set(hash, true)
        return 'unknown'
      } catch (error) {
        if (error instanceof JournalUnavailable) return 'unavailable'
        throw error
      }
    },
    async close() {
      stop()
      await following?.catch(() => {})
    },
  }
}
