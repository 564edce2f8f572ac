import type { GrantCommand, ReconcileCommand, SignUpCommand } from '../../credits/account/messages.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import type { AccountState, Outcome } from '../../credits/account/state.ts'
import { creditsToMicro, type Micro, zero } from '../../credits/money.ts'
import { noQuantities, type RowKey, rowKey, type RowTotals } from '../../credits/usage-row.ts'

/** 10 March 2026, noon UTC: the first period is 10 March to 10 April. */
export const startMs = Date.UTC(2026, 2, 10, 12)
export const dayMs = 86_400_000

export const credits = creditsToMicro
export const policies = { alerts: [25, 15, 0], depletedBelow: credits('0.01') }
export const plans = {
  free: { id: 'free', name: 'Free', allowance: zero },
  starter: { id: 'starter', name: 'Starter', allowance: credits(2000) },
  pro: { id: 'pro', name: 'Pro', allowance: credits(10_000) },
}

export function signUpCommand(change: Partial<SignUpCommand> = {}): SignUpCommand {
  return {
    accountId: 'ada',
    email: 'ada@example.com',
    timeZone: 'UTC',
    plan: plans.free,
    welcome: { amount: credits(1000), keeps: true },
    policies,
    ...change,
  }
}

export function newAccount(change: Partial<SignUpCommand> = {}): AccountState {
  return stateOf(signUp(null, signUpCommand(change), startMs))
}

/** The state after a command that must not be refused. */
export function stateOf<Answer>(outcome: Outcome<Answer>): AccountState {
  if (!outcome.ok) throw new Error(`refused: ${outcome.code}`)
  return outcome.state
}

export function answerOf<Answer>(outcome: Outcome<Answer>): Answer {
  if (!outcome.ok) throw new Error(`refused: ${outcome.code}`)
  return outcome.answer
}

export function grantCommand(id: string, amount: Micro, change: Partial<GrantCommand> = {}): GrantCommand {
  return { id, amount, source: 'pack', resets: true, detail: '', by: 'test', ...change }
}

export function row(charged: Micro): RowTotals {
  return { ...noQuantities, units: 1, charged, uncollected: zero }
}

export function rowOf(item: string, employee = ''): RowKey {
  return rowKey({ category: 'tool_calls', tier: '', model: '', item, employee, organization: '' })
}

/** A report of one row per epoch. */
export function report(lineage: number, seq: number, spent: Readonly<Record<number, Micro>>): ReconcileCommand {
  const epochs = Object.entries(spent).map(([epoch, amount]) => ({
    epoch: Number(epoch),
    rows: { [rowOf('app')]: row(amount) },
  }))
  return { lineage, seq, termsVersion: 1, held: zero, epochs, policies }
}
