import { quantityNames } from '../credits/usage-row.ts'
import { packLevels } from './arguments.ts'
import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { CorrectAnswer, Correction, RowDifference } from './ledger.ts'
import { asReply, notLoaded, unknownAnswer } from './replies.ts'

/** Adds a difference to rows and budget windows, once: `changed` if the account is no longer as it was when the difference was read. */
export async function correct(context: LedgerContext, correction: Correction): Promise<CorrectAnswer> {
  const { accountId, lineage, corrections, seq, rows, windows } = correction
  const keys = accountKeys(accountId)
  packLevels(windows.map(({ level }) => level))
  const reply = asReply(
    await context.run(
      'correct',
      [keys.account, keys.dirty],
      [
        accountId,
        lineage,
        corrections,
        seq,
        rows.length,
        ...rows.flatMap(({ epoch, row, add }) => [`${epoch}|${row}`, packDifference(add)]),
        ...windows.flatMap(({ level, window, add }) => [`${level}|${window}`, checkDifference(add)]),
      ],
    ),
  )
  switch (reply[0]) {
    case 'corrected':
    case 'changed':
      return { status: reply[0] }
    case 'account_not_loaded':
      return notLoaded
    default:
      return unknownAnswer('correct', reply)
  }
}

function packDifference(add: RowDifference): string {
  return [add.charged, add.uncollected, ...quantityNames.map((name) => add[name])].map(checkDifference).join(',')
}

/** Throws RangeError for what the script could not add exactly. */
function checkDifference(add: number): number {
  if (!Number.isSafeInteger(add) || Math.abs(add) >= 1e15) throw new RangeError(`not a whole difference: ${add}`)
  return add
}
