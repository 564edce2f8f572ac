import { setTimeout as pause } from 'node:timers/promises'
import type { RunScript } from './scripts.ts'
import { LedgerUnavailable } from './unavailable.ts'

const pauseMs = 50
/** The client follows a few redirections by itself, and sends a call that heard TRYAGAIN to any node: its last word may be another one. */
const redirected = /TRYAGAIN|Too many Cluster redirections/

/**
 * While a slot moves to another master key by key, a script whose keys are on both sides hears TRYAGAIN; so does one that names a key which
 * does not exist yet, until the whole slot is over. Repeats such calls, which changed nothing, for about `withinMs`.
 */
export function duringMigration(run: RunScript, withinMs = 2_000): RunScript {
  return async (operation, keys, args) => {
    const endMs = performance.now() + withinMs
    for (;;) {
      try {
        return await run(operation, keys, args)
      } catch (error) {
        const moving = error instanceof LedgerUnavailable && redirected.test(error.message)
        if (!moving || performance.now() > endMs) throw error
      }
      await pause(pauseMs)
    }
  }
}
