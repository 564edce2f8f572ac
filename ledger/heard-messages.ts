import type { Cluster, Redis } from 'ioredis'
import { heardKey } from './keys.ts'
import { asLedgerFailure } from './unavailable.ts'

/** Messages of other systems that were heard: sent again, or again by somebody who has overheard one, they change nothing. Rejects with LedgerUnavailable when Redis does not answer. */
export interface HeardMessages {
  wasHeard(sender: string, messageId: string): Promise<boolean>
  /** Once what it told is done: not before, or it would be lost with the one who does it. */
  note(sender: string, messageId: string): Promise<void>
}

/** Longer than any signature is good for. */
const keptMs = 3_600_000

export function createHeardMessages(redis: Redis | Cluster): HeardMessages {
  return {
    wasHeard: async (sender, messageId) => (await answered(redis.exists(heardKey(sender, messageId)))) === 1,
    async note(sender, messageId) {
      await answered(redis.set(heardKey(sender, messageId), '1', 'PX', keptMs))
    },
  }
}

async function answered<T>(asked: Promise<T>): Promise<T> {
  return asked.catch((error: unknown) => {
    throw asLedgerFailure(error)
  })
}
