import type { UsageRow } from '../credits/usage-row.ts'
import type { EmployeeCard, Level } from '../credits/terms.ts'
import { attributionHeaders } from '../middleware/attribution-headers.ts'
import type { CallerKey } from './deps.ts'
import type { CallError } from './openai-error.ts'

/** In whose name a call is booked. '' = nobody in particular. */
export interface Attribution {
  readonly accountId: string
  readonly employee: string
  readonly organization: string
  readonly messageId: string
  readonly task: string
  readonly purpose: '' | 'internal:safety' | 'internal:memory'
}

const names = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/

/** What the key and its headers say. A header that the key may not send is refused, never ignored: a call booked to the wrong name would be worse. */
export function attribute(
  key: CallerKey,
  header: (name: string) => string | undefined,
): { readonly ok: true; readonly who: Attribution } | { readonly ok: false; readonly error: CallError } {
  const named: Record<keyof typeof attributionHeaders, string> = {
    employee: '',
    organization: '',
    message: '',
    task: '',
    purpose: '',
  }
  const only = key.employees?.length === 1 ? key.employees[0]! : ''
  for (const [kind, name] of Object.entries(attributionHeaders) as [keyof typeof named, string][]) {
    const value = header(name)
    if (value === undefined || value === '') continue
    const spare = kind === 'employee' && value === only
    // A task is a label of the work, as a message is.
    if (!key.mayName[kind === 'task' ? 'message' : kind] && !spare) return notAllowed(`this key may not send ${name}`)
    if (!isName(value)) return malformed(name, nameShape)
    named[kind] = value
  }
  const employee = named.employee === '' ? only : named.employee
  if (key.employees !== null && !key.employees.includes(employee)) {
    const message =
      employee === ''
        ? `name one of this key's employees in ${attributionHeaders.employee}`
        : `this key may not be used for employee ${employee}`
    return notAllowed(message)
  }
  const purpose = named.purpose
  if (purpose !== '' && purpose !== 'internal:safety' && purpose !== 'internal:memory') {
    return malformed(attributionHeaders.purpose, 'is internal:safety or internal:memory')
  }
  return {
    ok: true,
    who: {
      accountId: key.accountId,
      employee,
      organization: named.organization,
      messageId: named.message,
      task: named.task,
      purpose,
    },
  }
}

/** Whether it can be the id of an account, employee, organization or message. */
export const isName = (value: string): boolean => names.test(value)
export const nameShape = 'has 1–128 characters: letters, digits and . _ : @ -'

const notAllowed = (message: string) => ({ ok: false, error: { code: 'attribution_not_allowed', message } }) as const
const malformed = (header: string, what: string) =>
  ({ ok: false, error: { code: 'invalid_request', message: `${header} ${what}`, param: header } }) as const

/** A call that names an employee and no organization is its employee's organization's. */
export function withOrganization(who: Attribution, card: EmployeeCard | undefined): Attribution {
  return who.organization === '' && card !== undefined ? { ...who, organization: card.organization } : who
}

/** Where a model call is booked: behind-the-scenes work in its own category, with what it was for. */
export function usageRowOf(who: Attribution, model: { readonly tier: string; readonly id: string }): UsageRow {
  const place = { tier: model.tier, model: model.id, employee: who.employee, organization: who.organization }
  if (who.purpose === '') return { category: 'ai_usage', item: '', ...place }
  return { category: 'internal', item: who.purpose.slice('internal:'.length), ...place }
}

/** Budgets that the call counts in. */
export function levelsOf(who: Attribution): readonly Level[] {
  return [
    ...(who.organization === '' ? [] : [`organization:${who.organization}`]),
    ...(who.employee === '' ? [] : [`employee:${who.employee}`]),
    ...(who.task === '' ? [] : [`task:${who.task}`]),
  ]
}
