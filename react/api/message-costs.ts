import type { Client } from './client.ts'
import type { MessageCost, Page } from './shapes.ts'

/** Asks what messages cost, for all of a page together. */
export interface MessageCosts {
  /** null before its first charge. Rejects with Failure. */
  of(messageId: string): Promise<MessageCost | null>
}

interface Asked {
  readonly id: string
  readonly resolve: (cost: MessageCost | null) => void
  readonly reject: (error: unknown) => void
}

/** What is asked for within so many ms goes into one request, of so many messages at most. */
const [gatherMs, most] = [10, 25]

export function createMessageCosts(client: Client): MessageCosts {
  let waiting: Asked[] = []

  async function ask(asked: readonly Asked[]): Promise<void> {
    try {
      const query = new URLSearchParams(asked.map(({ id }) => ['id', id]))
      const { items } = await client.ask<Page<MessageCost>>(`/credits/v1/messages?${query}`)
      for (const { id, resolve } of asked) resolve(items.find(({ messageId }) => messageId === id) ?? null)
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
  function send(): void {
    const all = waiting
    waiting = []
    for (let from = 0; from < all.length; from += most) void ask(all.slice(from, from + most))
  }

  return {
    of: (id) =>
      new Promise((resolve, reject) => {
        waiting.push({ id, resolve, reject })
        if (waiting.length === 1) setTimeout(send, gatherMs)
      }),
  }
}
