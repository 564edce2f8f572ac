/** What the page shows, as its address says it: a link shows the same to whoever opens it. */
export interface Selection {
  readonly span: Span
  /** An organization's id; '' for all of them. */
  readonly organization: string
  readonly groupBy: Grouping
}

export type Span =
  | { readonly kind: 'current' }
  /** An earlier period, by its number. */
  | { readonly kind: 'period'; readonly period: number }
  | { readonly kind: 'last'; readonly days: 7 | 30 }
  /** Billing days, both included. */
  | { readonly kind: 'days'; readonly from: string; readonly to: string }

export const groupings = ['category', 'tier', 'model', 'employee', 'organization'] as const
export type Grouping = (typeof groupings)[number]

const dayMs = 86_400_000

/** What makes no sense is left out. */
export function selectionOf(search: URLSearchParams): Selection {
  const group = search.get('group')
  return {
    span: spanOf(search.get('period') ?? ''),
    organization: search.get('org') ?? '',
    groupBy: groupings.find((each) => each === group) ?? 'category',
  }
}

export function searchOf({ span, organization, groupBy }: Selection): URLSearchParams {
  const name = nameOf(span)
  return new URLSearchParams([
    ...(name === '' ? [] : [['period', name]]),
    ...(organization === '' ? [] : [['org', organization]]),
    ...(groupBy === 'category' ? [] : [['group', groupBy]]),
  ])
}

/** '', '7', 'last-30', '2026-11-01..2026-11-14'. */
export function nameOf(span: Span): string {
  switch (span.kind) {
    case 'current':
      return ''
    case 'period':
      return String(span.period)
    case 'last':
      return `last-${span.days}`
    case 'days':
      return `${span.from}..${span.to}`
  }
}

export function spanOf(name: string): Span {
  if (name === 'last-7' || name === 'last-30') return { kind: 'last', days: name === 'last-7' ? 7 : 30 }
  if (/^[1-9]\d{0,5}$/.test(name)) return { kind: 'period', period: Number(name) }
  const [, from, to] = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(name) ?? []
  return from !== undefined && to !== undefined ? { kind: 'days', from, to } : { kind: 'current' }
}

/** As the API takes it: `today` is the billing day of now. */
export function queryOf({ span, organization, groupBy }: Selection, today: string): string {
  const days = daysOf(span, today)
  const query = new URLSearchParams([
    ...(span.kind === 'period' ? [['period', String(span.period)]] : []),
    ...(days === null
      ? []
      : [
          ['from', days.from],
          ['to', days.to],
        ]),
    ...(organization === '' ? [] : [['organization', organization]]),
    ...(groupBy === 'category' ? [] : [['groupBy', groupBy]]),
  ])
  return query.size === 0 ? '' : `?${query}`
}

/** null for a period. */
export function daysOf(span: Span, today: string): { readonly from: string; readonly to: string } | null {
  if (span.kind === 'days') return span
  if (span.kind === 'last') return { from: before(today, span.days - 1), to: today }
  return null
}

function before(day: string, days: number): string {
  return new Date(Date.parse(day) - days * dayMs).toISOString().slice(0, 10)
}
