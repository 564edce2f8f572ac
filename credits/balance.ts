import { type Micro, less, toMicro } from './money.ts'

/** An earlier period that Redis still holds: what it spent and holds, its own money, and the spend that already went into `used`. */
export interface EarlierFigures {
  readonly epoch: number
  readonly spent: Micro
  readonly held: Micro
  readonly free: Micro
  readonly counted: Micro
}

/** Everything from which balances are derived; none of what follows is ever stored. */
export interface AccountFigures {
  readonly epoch: number
  readonly granted: Micro
  readonly used: Micro
  /** Of the current epoch. Below zero only after a refund of a charge whose epoch had left Redis already. */
  readonly spent: Micro
  readonly held: Micro
  readonly earlier: readonly EarlierFigures[]
  /** Held credits of a ledger that was lost, kept for the late settles of their calls. */
  readonly quarantine: Micro
}

/** What is neither spent nor held, in µcr; below zero after a claw-back or a correction. */
export function rawOf(account: AccountFigures): number {
  const late = account.earlier.reduce((total, epoch) => total + takenBy(epoch, epoch.spent + epoch.held), 0)
  return account.granted - account.used - account.spent - account.held - late - account.quarantine
}

/** What admission asks: what new work may hold. */
export function availableOf(account: AccountFigures): Micro {
  return less(rawOf(account), 0)
}

/** What pages, percentages, levels and alerts show: held credits are still the user's. */
export function remainingOf(account: AccountFigures): Micro {
  const late = account.earlier.reduce((total, epoch) => total + takenBy(epoch, epoch.spent), 0)
  return less(account.granted - account.used - account.spent, late)
}

/** What the next grant pays first. */
export function deficitOf(account: AccountFigures): Micro {
  return less(0, rawOf(account))
}

/** What a charge booked in `epoch` may take: an earlier period has money of its own that did not carry over. */
export function roomOf(account: AccountFigures, epoch: number): Micro {
  const earlier = account.earlier.find((one) => one.epoch === epoch)
  const own = earlier === undefined ? 0 : less(earlier.free, earlier.spent + earlier.held)
  return toMicro(availableOf(account) + own)
}

/** Carried money that an earlier epoch takes beyond what the workflow already counted; negative once a late refund has come in. */
function takenBy(epoch: EarlierFigures, total: number): number {
  return over(total, epoch.free) - over(epoch.counted, epoch.free)
}

function over(amount: number, free: number): number {
  return Math.max(0, amount - free)
}
