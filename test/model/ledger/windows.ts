import type { Account, Ledger } from './state.ts'

/** A budget's window: a quarter of an hour, so that several open and close in a run. */
export const windowMs = 900_000

export const windowName = (level: string, nowMs: number): string => `${level}|${Math.floor(nowMs / windowMs)}`
export const levelOf = (name: string): string => name.slice(0, name.lastIndexOf('|'))

export function isOpen(ledger: Ledger, name: string): boolean {
  return name === windowName(levelOf(name), ledger.nowMs())
}

/** One that a clock ahead of this one has opened is yet to come. */
export function isOver(ledger: Ledger, name: string): boolean {
  return numberOf(name) < numberOf(windowName(levelOf(name), ledger.nowMs()))
}

const numberOf = (name: string): number => Number(name.slice(name.lastIndexOf('|') + 1))

/** Moves what each window has spent and holds. One that Redis has dropped may owe a refund: it reads 0. */
export function moveWindows(account: Account, names: readonly string[], spent: number, held: number): void {
  for (const name of names) {
    const window = (account.windows[name] ??= { spent: 0, held: 0 })
    window.spent = Math.max(0, window.spent + spent)
    window.held += held
  }
}

/** The level with the least left. */
export function tightest(account: Account, names: readonly string[]): { level: string; left: number } | undefined {
  let least: { level: string; left: number } | undefined
  for (const name of names) {
    const limit = account.terms.limits[levelOf(name)]
    if (limit === undefined) continue
    const { spent, held } = account.windows[name] ?? { spent: 0, held: 0 }
    const left = Math.max(0, limit - spent - held)
    if (least === undefined || left < least.left) least = { level: levelOf(name), left }
  }
  return least
}
