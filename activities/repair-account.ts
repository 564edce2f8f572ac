import type { ActivityDeps, ReconcileEvent } from './deps.ts'

export type RepairReason = Extract<
  ReconcileEvent,
  'other_lineage' | 'ledger_behind' | 'ledger_forked' | 'ledger_rolled_back'
>

const reasons: Record<RepairReason, string> = {
  other_lineage: 'the ledger holds another life of this account than its workflow issued last',
  ledger_behind: 'the ledger is behind what the workflow took from it before',
  ledger_forked: 'the ledger has other rows than those which the workflow took from it before',
  ledger_rolled_back: 'the ledger has fewer receipts than reached the journal from it',
}

/**
 * Begins another life of an account that Redis still holds, by protocol.md 7: the workflow issues its number, the ledger takes it if it is
 * still in the life `lineage`, and is then dirty and to be checked at once. A crash in between leaves the workflow ahead, which is repaired
 * in the same way.
 */
export function createRepairAccount({ ledger, accounts, log, count }: ActivityDeps) {
  return async (accountId: string, lineage: number, reason: RepairReason): Promise<'repaired' | 'moved'> => {
    const reading = await ledger.read(accountId)
    // Somebody else was faster: a life that nobody needs would have to be repaired in its turn.
    if (reading.status !== 'loaded' || reading.lineage !== lineage) return 'moved'
    log.warn({ code: reason, accountId, lineage }, `${reasons[reason]}: it begins another life`)
    count?.(reason, 1)
    const next = await accounts.nextLineage(accountId, lineage)
    if (!next.ok) throw new Error(`the account workflow issued no lineage: ${next.code}`)
    const { status } = await ledger.repair(accountId, { from: lineage, to: next.lineage })
    if (status !== 'repaired') return 'moved'
    count?.('accounts_repaired', 1)
    return 'repaired'
  }
}
