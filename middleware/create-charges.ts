import type { Micro } from '../credits/money.ts'
import type { Journal } from '../journal/journal.ts'
import { createGate, type Gate, type GateDeps } from './gate.ts'
import type { AccountLoader } from './load-account.ts'
import { createMeters, type MeterDeps } from './meter.ts'
import type { Charges } from './temporal/charges.ts'
import { createWaitingRoom, type WaitingRoomDeps } from './waiting-room.ts'

export interface ChargesDeps {
  readonly ledger: GateDeps['ledger'] & MeterDeps['ledger'] & WaitingRoomDeps['ledger']
  readonly journal: Pick<Journal, 'findCharge'>
  readonly loader: Pick<AccountLoader, 'load'>
  readonly outbox: GateDeps['outbox']
  readonly clock: GateDeps['clock']
  /** The catalogue's policy. */
  readonly depletedBelow: Micro
  readonly meterTimes?: MeterDeps['times']
  readonly onMeterFailure?: MeterDeps['onFailure']
}

export interface OwnCharges {
  /** What the plugin takes. */
  readonly charges: Charges
  readonly gate: Gate
  /** Ends what runs under a meter, then waits for what is open, at most `timeoutMs`. Answers how many holds were not settled. The outbox is closed after it. */
  close(timeoutMs: number): Promise<number>
}

/** Everything the plugin charges with, of parts that are open. */
export function createCharges({
  ledger,
  journal,
  loader,
  outbox,
  clock,
  depletedBelow,
  meterTimes,
  onMeterFailure,
}: ChargesDeps): OwnCharges {
  const loadAccount = (accountId: string) => loader.load(accountId)
  const gate = createGate({
    ledger,
    findCharge: (accountId, id) => journal.findCharge(accountId, id),
    loadAccount,
    clock,
    outbox,
  })
  const meters = createMeters({
    ledger,
    gate,
    clock,
    ...(meterTimes === undefined ? {} : { times: meterTimes }),
    ...(onMeterFailure === undefined ? {} : { onFailure: onMeterFailure }),
  })
  return {
    charges: {
      open: (request, options) => gate.open(request, options),
      settle: (request) => outbox.settle(request),
      meters,
      waitingRoom: createWaitingRoom({ ledger, loadAccount, depletedBelow }),
    },
    gate,
    async close(timeoutMs) {
      await meters.close()
      return gate.close(timeoutMs)
    },
  }
}
