import { createHash } from 'node:crypto'
import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { grant } from '../../credits/account/grant.ts'
import type { AccountPolicies, GrantCommand, SignUpCommand } from '../../credits/account/messages.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { saveEmployee } from '../../credits/account/save-employee.ts'
import { saveOrganization } from '../../credits/account/save-organization.ts'
import { setPlan } from '../../credits/account/set-plan.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import { type AccountState, currentPeriod, type Outcome } from '../../credits/account/state.ts'
import { openWindows } from '../../credits/budget-window.ts'
import type { Catalogue } from '../../credits/catalogue.ts'
import { chargeId } from '../../credits/charge-id.ts'
import { creditsToMicro, toMicro, zero } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { EmployeeCard } from '../../credits/terms.ts'
import { noQuantities, quantityNames, type RowKey, rowKey, type RowTotals } from '../../credits/usage-row.ts'
import type { Work } from '../../middleware/gate.ts'
import { createPastPrices, demoOrganization } from './past-prices.ts'
import { type PastWorker, type Random, workOfDay } from './past-work.ts'

export interface Past {
  readonly state: AccountState
  /** Oldest first. */
  readonly receipts: readonly Receipt[]
}

export interface PastOptions {
  readonly accountId: string
  readonly email: string
  readonly catalogue: Catalogue
  readonly employees: readonly (PastWorker & Pick<EmployeeCard, 'name'>)[]
  /** When the past ends. The same past for the same instant. */
  readonly untilMs: number
}

const dayMs = 86_400_000
const days = 100
/** The ledger's life that the receipts come from. */
const lineage = 1
const by = 'demo history'

/** The grants of the past, by the day on which they were given. */
const grants: Readonly<Record<number, Omit<GrantCommand, 'id' | 'by'>>> = {
  0: { source: 'promo', detail: 'LAUNCH100', amount: creditsToMicro(100), resets: false },
  20: { source: 'referral', detail: 'g***@example.com', amount: creditsToMicro(500), resets: false },
  52: { source: 'pack', detail: '500 credits', amount: creditsToMicro(500), resets: true },
  63: { source: 'refund', detail: 'a reply that was cut off', amount: creditsToMicro('2.5'), resets: false },
}

/**
 * An account that has worked for a hundred days, as the reducer and the prices make it: what was charged is a receipt each, and rows and receipts are the same
 * sums. Throws RangeError for a catalogue without what is charged here.
 */
export function pastAccount({ accountId, email, catalogue, employees, untilMs }: PastOptions): Past {
  const prices = createPastPrices(catalogue)
  const { depletedBelow, alertMail: mailsAlerts, upgrade } = catalogue.policies
  const policies: AccountPolicies = { alerts: catalogue.alerts, depletedBelow, mailsAlerts }
  const planOf = (id: string) => {
    const found = catalogue.plans.find((plan) => plan.id === id)!
    return { id, name: found.name, allowance: found.allowance }
  }
  const dearest = catalogue.plans.toSorted((one, other) => one.allowance - other.allowance).at(-2)!
  const firstDayMs = Math.floor(untilMs / dayMs) * dayMs - days * dayMs
  const random = createRandom(accountId)
  const receipts: Receipt[] = []
  let rows: Record<RowKey, RowTotals> = {}
  let seq = 0

  const command: SignUpCommand = {
    accountId,
    email,
    timeZone: 'UTC',
    plan: planOf(catalogue.defaultPlan),
    welcome: catalogue.bonuses.welcome,
    policies,
  }
  let state = taken(signUp(null, command, firstDayMs))
  state = { ...taken(setPlan(state, { plan: planOf(dearest.id), by, upgrade }, firstDayMs)), lineage }
  state = taken(saveOrganization(state, { ...demoOrganization, archived: false }, firstDayMs))
  for (const { id, name, tier } of employees) {
    const card = { id, name, tier, model: '', organization: '', archived: false, mode: 'save' } as const
    state = taken(saveEmployee(state, card, firstDayMs))
  }

  for (let day = 0; day <= days; day += 1) {
    const startMs = firstDayMs + day * dayMs
    endPeriod(startMs)
    const granted = grants[day]
    if (granted !== undefined) state = taken(grant(state, { ...granted, id: `demo:${day}`, by }, startMs + dayMs / 3))
    const done = employees
      .flatMap((employee) => workOfDay(prices, employee, startMs, random))
      .filter(({ atMs }) => atMs < untilMs)
    for (const { atMs, work } of done.toSorted((one, other) => one.atMs - other.atMs)) book(work, atMs)
    report(Math.min(untilMs, startMs + dayMs - 1))
  }
  // Nobody is mailed about what is long over
  return { state: { ...state, mailsDue: [] }, receipts }

  function report(atMs: number): void {
    const { epoch } = currentPeriod(state)
    const told = {
      lineage,
      seq,
      termsVersion: state.termsVersion,
      held: zero,
      epochs: [{ epoch, rows: { ...rows } }],
      policies,
    }
    state = taken(reconcile(state, told, atMs))
  }

  function endPeriod(nowMs: number): void {
    const { epoch, endMs } = currentPeriod(state)
    if (nowMs < endMs) return
    state = taken(closeEpoch(rollOver(state, nowMs), { epoch, rows }, nowMs))
    rows = {}
  }

  function book({ actual, row, quantities, detail }: Work, atMs: number): void {
    const key = rowKey(row)
    const before = rows[key] ?? { ...noQuantities, charged: zero, uncollected: zero }
    const sums = Object.fromEntries(quantityNames.map((name) => [name, before[name] + quantities[name]]))
    rows[key] = { ...before, ...sums, charged: toMicro(before.charged + actual) }
    seq += 1
    const { epoch } = currentPeriod(state)
    const month = openWindows(atMs, 0).month
    receipts.push({
      accountId,
      id: chargeId(atMs, `demo-${seq}`),
      kind: 'settled',
      epoch,
      calledIn: epoch,
      row: key,
      quantities,
      charged: actual,
      uncollected: zero,
      windows: [`organization:${row.organization}|${month}`, `employee:${row.employee}|${month}`],
      lineage,
      n: seq,
      atMs,
      detail,
    })
  }
}

function taken<Answer>(outcome: Outcome<Answer>): AccountState {
  if (!outcome.ok) throw new RangeError(`the demo's past is refused: ${outcome.message}`)
  return outcome.state
}

/** The same numbers each time. */
function createRandom(seed: string): Random {
  let count = 0
  return () => {
    count += 1
    return createHash('sha256').update(`${seed} ${count}`).digest().readUInt32BE() / 2 ** 32
  }
}
