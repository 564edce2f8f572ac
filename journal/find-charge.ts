import { sql } from 'drizzle-orm'
import type { ChargeId } from '../credits/charge-id.ts'
import type { FoundCharge } from '../credits/found-charge.ts'
import type { Database } from './database.ts'
import { findReceipt } from './receipts.ts'
import { entries } from './schema.ts'
import { rowsOf } from './statements.ts'
import { storableText } from './storable-text.ts'

/** See Journal.findCharge. */
export async function findCharge(database: Database, accountId: string, id: ChargeId): Promise<FoundCharge | null> {
  const found = await findReceipt(database, accountId, id)
  if (found === null) return null
  const { kind, charged, uncollected, quantities, epoch, row, windows } = found
  return { kind, charged, uncollected, quantities, epoch, row, windows }
}

/** See Journal.settledAmong. */
export async function settledAmong<T extends { readonly accountId: string; readonly id: ChargeId }>(
  database: Database,
  charges: readonly T[],
): Promise<readonly T[]> {
  if (charges.length > 1_000) throw new RangeError(`more than 1,000 charges in one question: ${charges.length}`)
  if (charges.length === 0) return []
  const asked = JSON.stringify(
    charges.map(({ accountId, id }, index) => ({
      accountId: storableText(accountId),
      chargeId: storableText(id),
      index,
    })),
  )
  const rows = await database.query((statements) =>
    rowsOf(
      statements,
      sql`select "index" from json_to_recordset(${asked}::json) as asked("accountId" text, "chargeId" text, "index" int)
        where exists (select from ${entries} where account_id = "accountId" and id = "chargeId" and kind = 'settled') order by "index"`,
    ),
  )
  return rows.map((row) => charges[Number(row['index'])]!)
}
