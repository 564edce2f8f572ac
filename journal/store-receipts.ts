import { getTableColumns, sql } from 'drizzle-orm'
import type { Receipt } from '../credits/receipt.ts'
import { parseRowKey, type Quantities } from '../credits/usage-row.ts'
import type { Database } from './database.ts'
import type { Added } from './journal-entry.ts'
import { accounts, entries, lineages, rowTotals, windowTotals } from './schema.ts'
import { rowsOf, type Statements } from './statements.ts'
import { storable } from './storable-text.ts'
import { wholeNumber } from './whole-number.ts'

/** See Journal.storeReceipts. Seven statements whatever the number of receipts. */
export async function storeReceipts(database: Database, given: readonly Receipt[]): Promise<void> {
  if (given.length === 0) return
  const receipts = storable(given)
  await database.transaction('store', async (statements) => {
    // Whatever the server's default: a receipt is trimmed from the stream because this commit is said to be on disk.
    await statements.execute(
      sql`select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') not in ('on', 'remote_apply')`,
    )
    const serials = await lockAccounts(statements, receipts)
    const fresh = withoutKnown(receipts, await knownCharges(statements, receipts), serials)
    await noteLineages(statements, receipts)
    if (fresh.length === 0) return
    await insertEntries(statements, fresh)
    await addToRows(statements, fresh)
    await addToWindows(statements, fresh)
  })
}

interface FreshEntry {
  readonly serial: number
  readonly receipt: Receipt
  readonly added: Added
}

type KnownCharge = Added & { readonly kind: 'settled' | 'expired' }

/**
 * Locks the accounts until commit, always in the same order, so that two drainers wait for each other instead of deadlocking and each
 * reads what the other has committed. Sets as many serials aside as there are receipts; those not used stay gaps. Answers the last one before.
 */
async function lockAccounts(statements: Statements, receipts: readonly Receipt[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { accountId } of receipts) counts.set(accountId, (counts.get(accountId) ?? 0) + 1)
  const wanted = JSON.stringify([...counts].map(([accountId, count]) => ({ accountId, count })))
  const locked = await rowsOf(
    statements,
    sql`insert into ${accounts} (account_id, last_serial)
      select "accountId", "count" from json_to_recordset(${wanted}::json) as wanted("accountId" text, "count" bigint) order by "accountId"
      on conflict (account_id) do update set last_serial = ${accounts.lastSerial} + excluded.last_serial
      returning account_id, last_serial`,
  )
  return new Map(
    locked.map((row) => {
      const accountId = String(row['account_id'])
      return [accountId, wholeNumber(row['last_serial']) - counts.get(accountId)!]
    }),
  )
}

async function knownCharges(statements: Statements, receipts: readonly Receipt[]): Promise<Map<string, KnownCharge>> {
  const charges = new Map(receipts.map(({ accountId, id }) => [chargeKey(accountId, id), { accountId, chargeId: id }]))
  const rows = await rowsOf(
    statements,
    sql`select account_id, id, kind, charged, uncollected, units, input_tokens, cached_tokens, output_tokens, reasoning_tokens
      from ${entries} join json_to_recordset(${JSON.stringify([...charges.values()])}::json) as asked("accountId" text, "chargeId" text)
      on account_id = "accountId" and id = "chargeId"`,
  )
  const known = new Map<string, KnownCharge>()
  for (const row of rows) {
    const key = chargeKey(String(row['account_id']), String(row['id']))
    if (known.get(key)?.kind === 'settled') continue
    known.set(key, {
      kind: row['kind'] === 'settled' ? 'settled' : 'expired',
      charged: wholeNumber(row['charged']),
      uncollected: wholeNumber(row['uncollected']),
      units: wholeNumber(row['units']),
      inputTokens: wholeNumber(row['input_tokens']),
      cachedTokens: wholeNumber(row['cached_tokens']),
      outputTokens: wholeNumber(row['output_tokens']),
      reasoningTokens: wholeNumber(row['reasoning_tokens']),
    })
  }
  return known
}

/** The rule of the journal: the first fact of a kind stands, and a settled one after an expired one adds only what differs. */
function withoutKnown(
  receipts: readonly Receipt[],
  known: Map<string, KnownCharge>,
  serials: Map<string, number>,
): FreshEntry[] {
  const fresh: FreshEntry[] = []
  for (const receipt of receipts) {
    const key = chargeKey(receipt.accountId, receipt.id)
    const before = known.get(key)
    if (before !== undefined && !(before.kind === 'expired' && receipt.kind === 'settled')) continue
    const total: Added = { charged: receipt.charged, uncollected: receipt.uncollected, ...receipt.quantities }
    const serial = serials.get(receipt.accountId)! + 1
    serials.set(receipt.accountId, serial)
    known.set(key, { kind: receipt.kind, ...total })
    fresh.push({ serial, receipt, added: before === undefined ? total : difference(total, before) })
  }
  return fresh
}

function difference(total: Added, before: Added): Added {
  return {
    charged: total.charged - before.charged,
    uncollected: total.uncollected - before.uncollected,
    units: total.units - before.units,
    inputTokens: total.inputTokens - before.inputTokens,
    cachedTokens: total.cachedTokens - before.cachedTokens,
    outputTokens: total.outputTokens - before.outputTokens,
    reasoningTokens: total.reasoningTokens - before.reasoningTokens,
  }
}

/**
 * Ignored receipts count too: the ledger that sent them is that far, and a lower mark would look like commits that were lost. Drainers read
 * the head of the stream and trim it once it is stored, so a number whose predecessor is not here was stored after commits were lost.
 */
async function noteLineages(statements: Statements, receipts: readonly Receipt[]): Promise<void> {
  const lives = new Map<string, { accountId: string; lineage: number; first: number; n: number; gap: boolean }>()
  for (const { accountId, lineage, n } of receipts) {
    const key = `${lineage} ${accountId}`
    const life = lives.get(key) ?? { accountId, lineage, first: n, n, gap: false }
    lives.set(key, { ...life, n: Math.max(n, life.n), gap: life.gap || n > life.n + 1 })
  }
  await statements.execute(
    sql`insert into ${lineages} (account_id, lineage, highest_n, first_n, gap)
      select "accountId", lineage, n, first, gap
      from json_to_recordset(${JSON.stringify([...lives.values()])}::json) as lives("accountId" text, lineage bigint, first bigint, n bigint, gap boolean)
      on conflict (account_id, lineage) do update set highest_n = excluded.highest_n,
        gap = ${lineages.gap} or excluded.gap or excluded.first_n > ${lineages.highestN} + 1
      where excluded.highest_n > ${lineages.highestN}`,
  )
}

/** As one JSON parameter: a parameter per value would run out of them at two thousand entries. */
async function insertEntries(statements: Statements, fresh: readonly FreshEntry[]): Promise<void> {
  const stored = fresh.map(({ serial, receipt, added }) => ({
    account_id: receipt.accountId,
    serial,
    id: receipt.id,
    kind: receipt.kind,
    epoch: receipt.epoch,
    called_in: receipt.calledIn,
    row_key: receipt.row,
    ...parseRowKey(receipt.row),
    charged: wholeNumber(receipt.charged),
    uncollected: wholeNumber(receipt.uncollected),
    ...named('', receipt.quantities),
    added_charged: added.charged,
    added_uncollected: added.uncollected,
    ...named('added_', added),
    windows: receipt.windows,
    lineage: receipt.lineage,
    n: receipt.n,
    at_ms: receipt.atMs,
    message_id: receipt.detail?.messageId ?? '',
    detail: receipt.detail,
  }))
  await statements.execute(
    sql`insert into ${entries} (${entryColumns}) select ${entryColumns} from json_populate_recordset(null::${entries}, ${JSON.stringify(stored)}::json)`,
  )
}

/** Named rather than taken in the table's order, which a later migration may change. */
const entryColumns = sql.join(
  Object.values(getTableColumns(entries)).map((column) => sql.identifier(column.name)),
  sql`, `,
)

function named(prefix: string, quantities: Quantities): Record<string, number> {
  return {
    [`${prefix}units`]: wholeNumber(quantities.units),
    [`${prefix}input_tokens`]: wholeNumber(quantities.inputTokens),
    [`${prefix}cached_tokens`]: wholeNumber(quantities.cachedTokens),
    [`${prefix}output_tokens`]: wholeNumber(quantities.outputTokens),
    [`${prefix}reasoning_tokens`]: wholeNumber(quantities.reasoningTokens),
  }
}

async function addToRows(statements: Statements, fresh: readonly FreshEntry[]): Promise<void> {
  const sums = new Map<string, Record<string, string | number>>()
  for (const { receipt, added } of fresh) {
    const key = JSON.stringify([receipt.accountId, receipt.epoch, receipt.row])
    const amounts = { charged: added.charged, uncollected: added.uncollected, ...named('', added) }
    const sum = sums.get(key)
    if (sum === undefined)
      sums.set(key, { account_id: receipt.accountId, epoch: receipt.epoch, row_key: receipt.row, ...amounts })
    else for (const [name, amount] of Object.entries(amounts)) sum[name] = Number(sum[name]) + amount
  }
  await statements.execute(
    sql`insert into ${rowTotals} as total select * from json_populate_recordset(null::${rowTotals}, ${JSON.stringify([...sums.values()])}::json)
      on conflict (account_id, epoch, row_key) do update set
        charged = total.charged + excluded.charged,
        uncollected = total.uncollected + excluded.uncollected,
        units = total.units + excluded.units,
        input_tokens = total.input_tokens + excluded.input_tokens,
        cached_tokens = total.cached_tokens + excluded.cached_tokens,
        output_tokens = total.output_tokens + excluded.output_tokens,
        reasoning_tokens = total.reasoning_tokens + excluded.reasoning_tokens`,
  )
}

async function addToWindows(statements: Statements, fresh: readonly FreshEntry[]): Promise<void> {
  const sums = new Map<
    string,
    { account_id: string; level: string; window: string; spent: number; changed_serial: number }
  >()
  for (const { serial, receipt, added } of fresh) {
    for (const levelWindow of new Set(receipt.windows)) {
      const bar = levelWindow.lastIndexOf('|')
      const key = JSON.stringify([receipt.accountId, levelWindow])
      sums.set(key, {
        account_id: receipt.accountId,
        level: levelWindow.slice(0, bar),
        window: levelWindow.slice(bar + 1),
        spent: (sums.get(key)?.spent ?? 0) + added.charged,
        changed_serial: serial,
      })
    }
  }
  if (sums.size === 0) return
  await statements.execute(
    sql`insert into ${windowTotals} as total select * from json_populate_recordset(null::${windowTotals}, ${JSON.stringify([...sums.values()])}::json)
      on conflict (account_id, level, "window") do update set spent = total.spent + excluded.spent, changed_serial = excluded.changed_serial`,
  )
}

/** Neither part can contain NUL: `storable` has seen to it. */
function chargeKey(accountId: string, id: string): string {
  return `${accountId}\0${id}`
}
