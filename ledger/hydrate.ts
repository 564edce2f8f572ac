import { packLevels } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { HydrateAnswer, Hydration } from './ledger.ts'
import { asReply, unknownAnswer } from './replies.ts'
import { packRow } from './rows.ts'
import { packTerms } from './terms-arguments.ts'

/** Begins a new life of an account, only if it is absent and the lock is still held under `token`. Rows of closed epochs are left out. */
export async function hydrate(context: LedgerContext, hydration: Hydration): Promise<HydrateAnswer> {
  const { accountId, token, lineage, terms, epochs, budgets, held, newestBirthMs, journalNowMs } = hydration
  const keys = accountKeys(accountId)
  const open = new Set([terms.epoch, ...terms.earlier.map(({ epoch }) => epoch)])
  const rows = epochs
    .filter(({ epoch }) => open.has(epoch))
    .flatMap(({ epoch, rows }) =>
      Object.entries(rows).map(([row, totals]) => [`${epoch}|${row}`, packRow(totals, 1)] as const),
    )
  packLevels(budgets.map(({ level }) => level))
  const reply = asReply(
    await context.run(
      'hydrate',
      [keys.account, keys.dirty, keys.lock, keys.clock, keys.loaded],
      [
        accountId,
        token,
        lineage,
        held,
        context.quarantineMs,
        newestBirthMs,
        journalNowMs,
        ...packTerms(terms),
        rows.length,
        ...rows.flat(),
        // An adjustment may have met a window that did not see the first charge: as in Redis, it reads 0 then.
        ...budgets.flatMap(({ level, window, spent }) => [`${level}|${window}`, Math.max(0, spent)]),
      ],
    ),
  )
  switch (reply[0]) {
    case 'hydrated':
    case 'present':
    case 'lock_lost':
      return { status: reply[0] }
    default:
      return unknownAnswer('hydrate', reply)
  }
}
