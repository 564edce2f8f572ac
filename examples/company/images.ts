import type { Redis } from 'ioredis'

/** Pictures that were drawn, for a day. */
export interface Images {
  keep(account: string, answer: string, base64: string): Promise<void>
  /** null when there is none. */
  find(account: string, answer: string): Promise<Buffer | null>
}

const keptSeconds = 24 * 60 * 60

export function createImages(redis: Redis): Images {
  const keyOf = (account: string, answer: string): string => `company:${account}:image:${answer}`
  return {
    async keep(account, answer, base64) {
      await redis.set(keyOf(account, answer), Buffer.from(base64, 'base64'), 'EX', keptSeconds)
    },
    find: (account, answer) => redis.getBuffer(keyOf(account, answer)),
  }
}
