import type { Redis } from 'ioredis'
import type { CompanyEvent } from './company-event.ts'

/** The events of conversations: a Redis stream each, from workers to whoever watches, on however many machines. */
export interface EventLog {
  writer(account: string, conversation: string): EventWriter
  /**
   * All events after the one with the id `after` (undefined: all that are kept), and then as they happen, until the signal. `missed` comes first where the
   * log does not reach back so far.
   */
  read(account: string, conversation: string, after: string | undefined, signal: AbortSignal): AsyncGenerator<Logged>
}

export interface EventWriter {
  /** After all chunks so far. */
  write(event: CompanyEvent): Promise<void>
  /** Does not wait: pieces that come while the last one is on its way travel together. */
  chunk(answer: string, text: string): void
  /** Rejects when a chunk could not be written. */
  flushed(): Promise<void>
}

export interface Logged {
  readonly id: string
  readonly event: CompanyEvent | { readonly kind: 'missed' }
}

const keptEvents = 5_000
const keptSeconds = 24 * 60 * 60
const alertEveryMs = 5_000
const eventsAtOnce = 500

export function createEventLog(redis: Redis): EventLog {
  const keyOf = (account: string, conversation: string): string => `company:${account}:events:${conversation}`

  function writer(account: string, conversation: string): EventWriter {
    const key = keyOf(account, conversation)
    let waiting = ''
    let writing: Promise<void> | undefined
    const append = async (event: CompanyEvent): Promise<void> => {
      const fields = ['event', JSON.stringify(event)]
      const answers = await redis
        .multi()
        .xadd(key, 'MAXLEN', '~', keptEvents, '*', ...fields)
        .expire(key, keptSeconds)
        .exec()
      const failed = answers?.find(([error]) => error !== null)?.[0]
      if (failed) throw failed
    }
    async function drain(answer: string): Promise<void> {
      while (waiting !== '') {
        const text = waiting
        waiting = ''
        await append({ kind: 'chunk', answer, text })
      }
      writing = undefined
    }
    const flushed = async (): Promise<void> => writing
    return {
      async write(event) {
        await flushed()
        await append(event)
      },
      chunk(answer, text) {
        if (text === '') return
        waiting += text
        if (writing !== undefined) return
        writing = drain(answer)
        // Whoever waits for the end hears of it.
        writing.catch(() => {})
      },
      flushed,
    }
  }

  async function* read(
    account: string,
    conversation: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Logged> {
    const key = keyOf(account, conversation)
    // A connection of its own, since it blocks. Where thousands watch, one connection reads for all of them.
    const own = redis.duplicate()
    const leave = (): void => own.disconnect()
    signal.addEventListener('abort', leave, { once: true })
    try {
      if (after !== undefined && !(await reaches(key, after))) {
        yield { id: after, event: { kind: 'missed' } }
      }
      let last = after ?? '0-0'
      while (!signal.aborted) {
        const answer = await own.xread('COUNT', eventsAtOnce, 'BLOCK', alertEveryMs, 'STREAMS', key, last)
        for (const [id, [, event]] of answer?.[0]?.[1] ?? []) {
          yield { id, event: JSON.parse(event!) as CompanyEvent }
          last = id
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', leave)
      leave()
    }
  }

  async function reaches(key: string, after: string): Promise<boolean> {
    const first = (await redis.xrange(key, '-', '+', 'COUNT', 1))[0]?.[0]
    return first !== undefined && compareIds(first, after) <= 0
  }

  return { writer, read }
}

/** `milliseconds-sequence`; as text, 10 would come before 9. */
function compareIds(one: string, other: string): number {
  const [oneMs = 0, oneAt = 0] = one.split('-').map(Number)
  const [otherMs = 0, otherAt = 0] = other.split('-').map(Number)
  return oneMs - otherMs || oneAt - otherAt
}
