import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { partPath } from '../../bin/parts.ts'
import { root } from './compose-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-rules-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Rule {
  readonly alert: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
const { groups } = parse(readFileSync(join(root, 'dashboards/rules.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

/** A quarter of an hour in which all is well, one sample every 15 s. */
const well: Record<string, string> = {
  'up{job="gateway"}': '1x60',
  'up{job="worker"}': '1x60',
  'tollgate_calls_total{outcome="finished"}': '0+100x60',
  'tollgate_calls_total{outcome="ledger_unavailable"}': '0x60',
  'tollgate_credits_total{category="ai_usage"}': '0+1000x60',
  'tollgate_uncollected_credits_total{category="ai_usage"}': '0x60',
  'tollgate_reconcile_events_total{event="correction_refused"}': '0x60',
  'tollgate_reconcile_events_total{event="journal_lost_commits"}': '0x60',
  'tollgate_reconcile_events_total{event="clocks_apart"}': '0x60',
  'tollgate_reconcile_events_total{event="turn_failed"}': '0+0x30 1x30',
  tollgate_oldest_receipt_seconds: '1x60',
  tollgate_outbox_oldest_seconds: '4x60',
  tollgate_overdue_hold_seconds: '0x60',
  'tollgate_drift_credits_total{where="ledger_rows"}': '0x60',
  tollgate_unconfirmed_settlements_total: '0x60',
}

/** For each alert the one thing that goes wrong. */
const wrong: Record<string, Record<string, string>> = {
  TollgateGatewayDown: { 'up{job="gateway"}': '1x40 0x20' },
  TollgateWorkerDown: { 'up{job="worker"}': '1x40 0x20' },
  TollgateLedgerUnavailable: { 'tollgate_calls_total{outcome="ledger_unavailable"}': '0x40 0+5x20' },
  TollgateCorrectionRefused: { 'tollgate_reconcile_events_total{event="correction_refused"}': '0x40 1x20' },
  TollgateJournalLostCommits: { 'tollgate_reconcile_events_total{event="journal_lost_commits"}': '0x40 1x20' },
  TollgateReceiptsStuck: { tollgate_oldest_receipt_seconds: '1x30 120+15x30' },
  TollgateOutboxStuck: { tollgate_outbox_oldest_seconds: '4x30 300+15x30' },
  TollgateHoldsOverdue: { tollgate_overdue_hold_seconds: '0x40 60+15x20' },
  TollgateClocksApart: { 'tollgate_reconcile_events_total{event="clocks_apart"}': '0x50 1x10' },
  TollgateUncollected: { 'tollgate_uncollected_credits_total{category="ai_usage"}': '0+2x60' },
  TollgateDrift: { 'tollgate_drift_credits_total{where="ledger_rows"}': '0x50 0.5x10' },
  TollgateReplicaSilent: { tollgate_unconfirmed_settlements_total: '0x20 0+3x40' },
  TollgateTurnsFail: { 'tollgate_reconcile_events_total{event="turn_failed"}': '0+5x60' },
}

test('each alert fires when its one thing goes wrong, and says what is wrong', () => {
  expect(Object.keys(wrong).toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  runTests(
    rules.map((rule) => ({
      interval: '15s',
      input_series: series({ ...well, ...wrong[rule.alert] }),
      alert_rule_test: [
        {
          eval_time: '15m',
          alertname: rule.alert,
          exp_alerts: [{ exp_labels: rule.labels, exp_annotations: rule.annotations }],
        },
      ],
    })),
  )
})

test('no alert fires while all is well', () => {
  const quiet = rules.map(({ alert }) => ({ eval_time: '15m', alertname: alert, exp_alerts: [] }))
  expect(quiet.length).toBeGreaterThan(10)
  runTests([{ interval: '15s', input_series: series(well), alert_rule_test: quiet }])
})

const series = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ series: name, values: value }))

/** Throws with what promtool says when an alert does not do as expected. */
function runTests(tests: readonly object[]): void {
  const file = join(folder, 'tests.yml')
  const content = { rule_files: [join(root, 'dashboards/rules.yml')], evaluation_interval: '15s', tests }
  writeFileSync(file, stringify(content))
  execFileSync(join(dirname(partPath('PROMETHEUS')), 'promtool'), ['test', 'rules', file], { encoding: 'utf8' })
}
