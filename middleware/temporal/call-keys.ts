import type { ChargeId } from '../../credits/charge-id.ts'
import type { CurrentWork } from './current-work.ts'

/** Idempotency keys of the calls that one attempt of an activity makes. */
export interface CallKeys {
  /** For a call of this content: the first key that no call of the same content has. In every attempt the same keys in the same order. */
  take(content: string): ChargeId
  /** The call got no answer: whoever makes it again, an SDK by itself or the activity, makes the same call. */
  giveBack(content: string, key: ChargeId): void
}

interface Key {
  readonly id: ChargeId
  isTaken: boolean
}

const ofAttempts = new WeakMap<CurrentWork, CallKeys>()

/** Those of the attempt that is running. */
export function callKeysOf(work: CurrentWork): CallKeys {
  let keys = ofAttempts.get(work)
  if (keys === undefined) {
    keys = createCallKeys(work)
    ofAttempts.set(work, keys)
  }
  return keys
}

/**
 * Calls are told apart by their content and not by their order, which parallel calls change from one attempt to the next. Calls of equal content are
 * interchangeable, so it does not matter which of them gets which key.
 */
function createCallKeys(work: Pick<CurrentWork, 'nextChargeId'>): CallKeys {
  const byContent = new Map<string, Key[]>()
  return {
    take(content) {
      const keys = byContent.get(content) ?? []
      byContent.set(content, keys)
      let key = keys.find(({ isTaken }) => !isTaken)
      if (key === undefined) {
        key = { id: work.nextChargeId(content), isTaken: false }
        keys.push(key)
      }
      key.isTaken = true
      return key.id
    },
    giveBack(content, id) {
      const key = byContent.get(content)?.find((each) => each.id === id)
      if (key !== undefined) key.isTaken = false
    },
  }
}
