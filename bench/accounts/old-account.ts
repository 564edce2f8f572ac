import { closeEpoch } from '../../credits/account/close-epoch.ts'
import { grant } from '../../credits/account/grant.ts'
import { reconcile } from '../../credits/account/reconcile.ts'
import { rollOver } from '../../credits/account/roll-over.ts'
import { saveBudget } from '../../credits/account/budgets.ts'
import { saveEmployee } from '../../credits/account/save-employee.ts'
import { setPlan } from '../../credits/account/set-plan.ts'
import { type AccountState, currentPeriod } from '../../credits/account/state.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { type RowKey, rowKey, type RowTotals, type UsageRow } from '../../credits/usage-row.ts'
import { credits, grantCommand, newAccount, plans, policies, startMs, stateOf } from '../../test/account/given.ts'

const employees = 30
const models = [
  ['fast', 'openai/gpt-5.6-luna'],
  ['fast', 'groq/openai/gpt-oss-120b'],
  ['standard', 'openai/gpt-5.4-mini'],
  ['standard', 'anthropic/claude-haiku-4-5'],
  ['advanced', 'openai/gpt-6-sol'],
  ['advanced', 'anthropic/claude-sonnet-5'],
] as const
const tools = [
  'image.standard',
  'image.hd',
  'gmail',
  'slack',
  'notion',
  'calendar',
  'web.search',
  'journal.write',
  'task.create',
  'workflow.start',
  'file.manage',
  'database.query',
]

/** An account that has used everything in every month: thirty employees with budgets, six models, twelve tools, packs and a refund. */
export function oldAccount(months: number): AccountState {
  let state: AccountState = { ...newAccount(), lineage: 1 }
  let nowMs = startMs
  state = stateOf(setPlan(state, { plan: plans.pro, by: 'bench' }, nowMs))
  state = stateOf(
    saveBudget(state, { level: 'default', limit: credits(500), window: 'month', atLimit: 'pause' }, nowMs),
  )
  for (let count = 0; count < employees; count += 1) {
    const id = `employee-${count}-0123456789`
    const card = { id, name: `Employee ${count}`, organization: `org_${count % 3}`, tier: 'standard', model: '' }
    state = stateOf(saveEmployee(state, { ...card, archived: false, mode: 'save' }, nowMs))
  }
  for (let month = 1; month <= months; month += 1) {
    const rows = usedEverything()
    state = stateOf(grant(state, grantCommand(`order:ord_${month}`, credits(500)), nowMs))
    const refund = { source: 'refund', resets: false, detail: 'it was slow, and nobody knew why' } as const
    state = stateOf(grant(state, grantCommand(`refund:0mwsydq4k.${month}`, credits(1), refund), nowMs))
    const report = {
      lineage: 1,
      seq: month + 1,
      termsVersion: 1,
      held: zero,
      epochs: [{ epoch: month, rows }],
      policies,
    }
    state = stateOf(reconcile(state, report, nowMs))
    nowMs = currentPeriod(state).endMs + 1
    state = stateOf(closeEpoch(rollOver(state, nowMs), { epoch: month, rows }, nowMs))
  }
  return state
}

function usedEverything(): Record<RowKey, RowTotals> {
  const place = { tier: '', model: '', item: '', employee: '', organization: '' }
  const rows: UsageRow[] = [
    ...models.map(([tier, model]) => ({ ...place, category: 'ai_usage', tier, model }) as const),
    ...['safety', 'memory'].map(
      (item) => ({ ...place, category: 'internal', tier: 'fast', model: models[0][1], item }) as const,
    ),
    ...tools.map((item) => ({ ...place, category: 'tool_calls', item }) as const),
    { ...place, category: 'compute_runtime' },
    { ...place, category: 'tasks_completed' },
    ...['voice', 'meeting'].map((item) => ({ ...place, category: 'voice_calls', item }) as const),
  ]
  return Object.fromEntries(rows.map((row) => [rowKey(row), totals]))
}

const totals: RowTotals = {
  units: 123_456,
  inputTokens: 123_456_789,
  cachedTokens: 12_345_678,
  outputTokens: 12_345_678,
  reasoningTokens: 1_234_567,
  charged: toMicro(87_654_321),
  uncollected: zero,
}
