import type { Micro } from '../credits/money.ts'
import { listOf, numbersOf, pairsOf, parseMarks, parseReading } from './account-hash.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { AccountSnapshot, BudgetFigures, NotLoaded } from './ledger.ts'
import { asReply, integerOf, notLoaded } from './replies.ts'
import { epochsOf } from './rows.ts'

/** All that reconciliation sends. Dates the dirty mark anew; `ackRows` takes it away once the workflow has the rows. */
export async function snapshot(
  context: LedgerContext,
  accountId: string,
): Promise<({ readonly status: 'loaded' } & AccountSnapshot) | NotLoaded> {
  const keys = accountKeys(accountId)
  return parseSnapshot(asReply(await context.run('snapshot', [keys.account, keys.dirty, keys.loaded], [accountId])))
}

/** What `snapshot` and `inspect` answer. */
export function parseSnapshot([now, account]: readonly unknown[]):
  | ({ readonly status: 'loaded' } & AccountSnapshot)
  | NotLoaded {
  const hash = pairsOf(account)
  if (hash.size === 0) return notLoaded
  const reading = parseReading(hash, integerOf(now))
  return {
    status: 'loaded',
    ...reading,
    ...parseMarks(hash),
    epochs: epochsOf(hash, [...reading.earlier.map(({ epoch }) => epoch), reading.epoch]),
    budgets: budgetsOf(hash),
  }
}

/** The fields `window|<level>|<window>` that budgets.lua describes. */
function budgetsOf(hash: ReadonlyMap<string, string>): readonly BudgetFigures[] {
  const figures: BudgetFigures[] = []
  for (const [field, packed] of hash) {
    const [kind, level, window] = field.split('|')
    if (kind !== 'window') continue
    const [spent, held] = numbersOf(listOf(packed), 2)
    figures.push({ level: level!, window: window!, spent: spent as Micro, held: held as Micro })
  }
  return figures
}
