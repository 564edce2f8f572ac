import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Micro } from '../credits/money.ts'
import type { Level } from '../credits/terms.ts'
import type { RowKey, RowTotals } from '../credits/usage-row.ts'
import type { Database } from './database.ts'
import { lineages, rowTotals, windowTotals } from './schema.ts'
import { storableText } from './storable-text.ts'

/**
 * Sums of every charge of an account. A row's amounts may be negative where an adjustment was booked in an epoch or row that did not see
 * the first charge: the sum over all of them is exact.
 */
export interface JournalTotals {
  /** Ascending. */
  readonly epochs: readonly { readonly epoch: number; readonly rows: Readonly<Record<RowKey, RowTotals>> }[]
  /** The 10,000 that changed last. Below zero where an adjustment came into a window that did not see the first charge. */
  readonly budgets: readonly { readonly level: Level; readonly window: string; readonly spent: number }[]
}

const mostRows = 50_000
const mostWindows = 10_000

/** See Journal.totals. */
export function readTotals(
  database: Database,
  accountId: string,
  only?: { readonly epochs: readonly number[] },
): Promise<JournalTotals> {
  const account = storableText(accountId)
  // One moment: a drain that commits between the two reads must be in both or in neither.
  return database.transaction('snapshot', async (statements) => {
    const rows = await statements
      .select()
      .from(rowTotals)
      .where(
        and(
          eq(rowTotals.accountId, account),
          only === undefined ? undefined : inArray(rowTotals.epoch, [...only.epochs]),
        ),
      )
      .orderBy(rowTotals.epoch, rowTotals.row)
      .limit(mostRows + 1)
    // A sum that leaves some out would be spent twice.
    if (rows.length > mostRows)
      throw new RangeError(`more than ${mostRows} usage rows of account ${accountId}: ask for the open epochs only`)
    const budgets = await statements
      .select({ level: windowTotals.level, window: windowTotals.window, spent: windowTotals.spent })
      .from(windowTotals)
      .where(eq(windowTotals.accountId, account))
      .orderBy(desc(windowTotals.changedSerial), windowTotals.level, windowTotals.window)
      .limit(mostWindows)
    const epochs = new Map<number, Record<RowKey, RowTotals>>()
    for (const { accountId: _, epoch, row, charged, uncollected, ...quantities } of rows) {
      const ofEpoch = epochs.get(epoch) ?? {}
      ofEpoch[row] = { charged: charged as Micro, uncollected: uncollected as Micro, ...quantities }
      epochs.set(epoch, ofEpoch)
    }
    return {
      epochs: [...epochs].map(([epoch, ofEpoch]) => ({ epoch, rows: ofEpoch })),
      budgets,
    }
  })
}

/** See Journal.highestN. */
export async function highestN(database: Database, accountId: string, lineage: number): Promise<number> {
  const [life] = await database.query((statements) =>
    statements
      .select({ n: lineages.highestN })
      .from(lineages)
      .where(and(eq(lineages.accountId, storableText(accountId)), eq(lineages.lineage, lineage))),
  )
  return life?.n ?? 0
}
