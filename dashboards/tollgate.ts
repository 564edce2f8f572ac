import { layOut, type Row } from './grafana-panels.ts'

/** The first dashboard: what is sold, whether the gate is quick, and whether the books agree. Written to grafana/tollgate.json by bin/write-dashboard.ts. */
const rows: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Credits charged, per minute',
        kind: 'stat',
        unit: 'short',
        queries: ['60 * sum(rate(tollgate_credits_total[5m]))'],
      },
      { title: 'Calls a second', kind: 'stat', unit: 'reqps', queries: ['sum(rate(tollgate_calls_total[1m]))'] },
      {
        title: 'Refused at zero',
        kind: 'stat',
        unit: 'percentunit',
        about: 'Share of calls that were refused because credits or a budget were used up.',
        queries: [
          'sum(rate(tollgate_calls_total{outcome=~"credits_depleted|insufficient_credits|budget_exhausted"}[5m])) / sum(rate(tollgate_calls_total[5m]))',
        ],
      },
      {
        title: 'Uncollected share',
        kind: 'stat',
        unit: 'percentunit',
        redAbove: 0.001,
        about: 'Of what was used, what no account had credits for. It is not owed later.',
        queries: ['sum(increase(tollgate_uncollected_credits_total[1h])) / sum(increase(tollgate_credits_total[1h]))'],
      },
      {
        title: 'Drift, last day',
        kind: 'stat',
        unit: 'short',
        redAbove: 0,
        about: 'Credits by which two copies of the books differed. Zero, unless something was lost or restored.',
        queries: ['sum(increase(tollgate_drift_credits_total[1d]))'],
      },
      {
        title: 'Needs a person',
        kind: 'stat',
        unit: 'short',
        redAbove: 0,
        about:
          'Corrections that were too large to be made unasked, and commits that the journal lost: docs/operations.md.',
        queries: [
          'sum(increase(tollgate_reconcile_events_total{event=~"correction_refused|journal_lost_commits"}[1h]))',
        ],
      },
    ],
  },
  {
    title: 'What is used',
    panels: [
      {
        title: 'Credits a minute by category',
        kind: 'stacked',
        unit: 'short',
        queries: [{ expr: '60 * sum by (category) (rate(tollgate_credits_total[5m]))', legend: '{{category}}' }],
      },
      {
        title: 'Credits a minute by tier',
        kind: 'stacked',
        unit: 'short',
        queries: [{ expr: '60 * sum by (tier) (rate(tollgate_credits_total[5m]))', legend: '{{tier}}' }],
      },
      {
        title: 'Credits a minute by model',
        kind: 'stacked',
        unit: 'short',
        queries: [{ expr: 'topk(10, 60 * sum by (model) (rate(tollgate_credits_total[5m])))', legend: '{{model}}' }],
      },
      {
        title: 'Tokens a second by type',
        kind: 'stacked',
        unit: 'short',
        queries: [{ expr: 'sum by (type) (rate(tollgate_tokens_total[5m]))', legend: '{{type}}' }],
      },
      {
        title: 'Calls a second by outcome',
        kind: 'stacked',
        unit: 'reqps',
        queries: [{ expr: 'sum by (outcome) (rate(tollgate_calls_total[1m]))', legend: '{{outcome}}' }],
      },
      {
        title: 'Uncollected credits an hour',
        kind: 'lines',
        unit: 'short',
        queries: [{ expr: '3600 * sum by (tier) (rate(tollgate_uncollected_credits_total[5m]))', legend: '{{tier}}' }],
      },
    ],
  },
  {
    title: 'The gate and the providers',
    panels: [
      {
        title: 'Admission: from the request to the provider',
        kind: 'lines',
        unit: 's',
        about: "Tollgate's own share of a call's latency.",
        queries: quantiles('tollgate_admission_seconds'),
      },
      {
        title: 'Provider: to its first byte',
        kind: 'lines',
        unit: 's',
        queries: quantiles('tollgate_upstream_seconds'),
      },
      {
        title: 'Settlement: to the answer of the ledger',
        kind: 'lines',
        unit: 's',
        about: 'Nobody waits for it.',
        queries: quantiles('tollgate_settle_seconds'),
      },
      {
        title: 'Settlement lag: to the journal',
        kind: 'lines',
        unit: 's',
        queries: quantiles('tollgate_settlement_lag_seconds'),
      },
      {
        title: 'Holds',
        kind: 'lines',
        unit: 'short',
        queries: [
          { expr: 'max(tollgate_holds)', legend: 'in the ledger' },
          { expr: 'sum(tollgate_open_holds)', legend: 'open in gateways' },
        ],
      },
      {
        title: 'Age of the oldest open hold',
        kind: 'lines',
        unit: 's',
        queries: [{ expr: 'max by (instance) (tollgate_oldest_open_hold_seconds)', legend: '{{instance}}' }],
      },
    ],
  },
  {
    title: 'On their way to the books',
    panels: [
      {
        title: 'Entries in outboxes',
        kind: 'lines',
        unit: 'short',
        queries: [{ expr: 'sum by (instance) (tollgate_outbox_entries)', legend: '{{instance}}' }],
      },
      {
        title: 'Oldest entry of an outbox',
        kind: 'lines',
        unit: 's',
        queries: [{ expr: 'max by (instance) (tollgate_outbox_oldest_seconds)', legend: '{{instance}}' }],
      },
      {
        title: 'Receipts that the journal has not got',
        kind: 'lines',
        unit: 'short',
        queries: [{ expr: 'max(tollgate_receipts_waiting)', legend: 'receipts' }],
      },
      {
        title: 'Oldest receipt that waits',
        kind: 'lines',
        unit: 's',
        queries: [{ expr: 'max(tollgate_oldest_receipt_seconds)', legend: 'age' }],
      },
      {
        title: 'Accounts to be reconciled',
        kind: 'lines',
        unit: 'short',
        queries: [
          { expr: 'max(tollgate_dirty_accounts)', legend: 'dirty' },
          { expr: 'max(tollgate_loaded_accounts)', legend: 'loaded' },
        ],
      },
      {
        title: 'Leases past their deadline',
        kind: 'lines',
        unit: 's',
        about: 'How long the most overdue hold waits for the sweeper.',
        queries: [{ expr: 'max(tollgate_overdue_hold_seconds)', legend: 'overdue' }],
      },
    ],
  },
  {
    title: 'Do the books agree',
    panels: [
      {
        title: 'Drift found, credits an hour',
        kind: 'lines',
        unit: 'short',
        queries: [
          {
            expr: '3600 * sum by (where, direction) (rate(tollgate_drift_credits_total[1h]))',
            legend: '{{where}}, {{direction}}',
          },
        ],
      },
      {
        title: 'Reconciliation, events a minute',
        kind: 'lines',
        unit: 'short',
        queries: [
          {
            expr: '60 * sum by (event) (rate(tollgate_reconcile_events_total{event!~"receipts_drained|accounts_unchanged"}[5m]))',
            legend: '{{event}}',
          },
        ],
      },
      {
        title: 'Settlements that no replica confirmed, a minute',
        kind: 'lines',
        unit: 'short',
        queries: [{ expr: '60 * sum by (job) (rate(tollgate_unconfirmed_settlements_total[5m]))', legend: '{{job}}' }],
      },
    ],
  },
  {
    title: 'Processes',
    panels: [
      {
        title: 'Processor',
        kind: 'lines',
        unit: 'percentunit',
        queries: [{ expr: 'rate(process_cpu_seconds_total[1m])', legend: '{{job}} {{instance}}' }],
      },
      {
        title: 'Memory',
        kind: 'lines',
        unit: 'bytes',
        queries: [{ expr: 'process_resident_memory_bytes', legend: '{{job}} {{instance}}' }],
      },
      {
        title: 'Event loop lag, 99th percentile',
        kind: 'lines',
        unit: 's',
        queries: [{ expr: 'nodejs_eventloop_lag_p99_seconds', legend: '{{job}} {{instance}}' }],
      },
    ],
  },
]

function quantiles(histogram: string) {
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${histogram}_bucket[5m])))`,
    legend: `p${quantile * 100}`,
  }))
}

export const dashboard = layOut('Tollgate', rows)
