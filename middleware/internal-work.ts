import { AsyncLocalStorage } from 'node:async_hooks'

/** What behind-the-scenes AI is for. */
export type InternalPurpose = 'safety' | 'memory'

const current = new AsyncLocalStorage<InternalPurpose>()

/** Runs `work`; the model calls that it makes are behind-the-scenes AI, which users see under *Internal*. */
export function internal<T>(purpose: InternalPurpose, work: () => T): T {
  return current.run(purpose, work)
}

/** As the gateway is told it: the innermost `internal`; undefined outside. */
export function currentPurpose(): `internal:${InternalPurpose}` | undefined {
  const purpose = current.getStore()
  return purpose === undefined ? undefined : `internal:${purpose}`
}
