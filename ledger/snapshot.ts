import type { Micro } from '../credits/money.ts'
import { figureOf, pairsOf, parseReading } from './account-hash.ts'
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
  return parseSnapshot(
    asReply(
      await context.run('snapshot', [keys.account, keys.rows, keys.budgets, keys.dirty, keys.loaded], [accountId]),
    ),
  )
}

/** What `snapshot` and `inspect` answer. */
export function parseSnapshot([now, account, rows, budgets]: readonly unknown[]):
  | ({ readonly status: 'loaded' } & AccountSnapshot)
  | NotLoaded {
  const hash = pairsOf(account)
  if (hash.size === 0) return notLoaded
  const reading = parseReading(hash, integerOf(now))
  return {
    status: 'loaded',
    ...reading,
    seq: figureOf(hash, 'seq'),
    n: figureOf(hash, 'n'),
    drained: figureOf(hash, 'drained'),
    acked: figureOf(hash, 'acked'),
    corrections: figureOf(hash, 'corrections'),
    bornIn: figureOf(hash, 'bornIn'),
    epochs: epochsOf(pairsOf(rows), [...reading.earlier.map(({ epoch }) => epoch), reading.epoch]),
    budgets: budgetsOf(pairsOf(budgets)),
  }
}

function budgetsOf(hash: ReadonlyMap<string, string>): readonly BudgetFigures[] {
  const figures: BudgetFigures[] = []
  for (const [field, spent] of hash) {
    const [level, window, kind] = field.split('|')
    if (kind !== 's') continue
    figures.push({
      level: level!,
      window: window!,
      spent: Number(spent) as Micro,
      held: figureOf(hash, `${level}|${window}|h`) as Micro,
    })
  }
  return figures
}
