import { z } from '@hono/zod-openapi'
import { type Micro as Amount, sum } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import { parseRowKey } from '../../credits/usage-row.ts'
import { linesOf } from './receipt-of.ts'
import { categoryLabels, itemLabel } from './usage-tree.ts'

export const CostLine = z.object({
  kind: z.string(),
  label: z.string(),
  quantity: z.number(),
  unit: z.string(),
  rate: z.string(),
  credits: z.int().openapi({ description: 'Micro-credits; below zero only on the line `uncollected`.' }),
  free: z.boolean().optional(),
})
export type CostLine = z.infer<typeof CostLine>

/** What several charges were for; the lines sum exactly to what was charged. */
export function costLines(receipts: readonly Receipt[]): CostLine[] {
  const uncollected = sum(receipts.map((receipt) => receipt.uncollected))
  const lines = mergedLines(receipts.flatMap(linesOfCharge))
  return uncollected === 0 ? lines : [...lines, uncollectedLine(uncollected)]
}

const kindLabels: Readonly<Record<string, string>> = {
  input: 'Input tokens',
  cached_input: 'Cached input tokens',
  cache_write: 'Cache write tokens',
  output: 'Output tokens',
  reasoning: 'Reasoning tokens',
  accrued: 'Charged when the call timed out',
}

function linesOfCharge(receipt: Receipt): readonly CostLine[] {
  const { category, item } = parseRowKey(receipt.row)
  if (category === 'ai_usage')
    return linesOf(receipt).map(({ amount, ...line }) => ({
      ...line,
      label: kindLabels[line.kind] ?? line.kind.replaceAll('_', ' '),
      credits: amount,
    }))
  const credits = receipt.charged + receipt.uncollected
  const kind = {
    internal: 'internal',
    tool_calls: 'tool',
    compute_runtime: 'runtime',
    tasks_completed: 'task',
    voice_calls: 'voice',
  }[category]
  const unit = {
    internal: 'calls',
    tool_calls: 'calls',
    compute_runtime: 'ms',
    tasks_completed: 'tasks',
    voice_calls: 'ms',
  }[category]
  const quantity = category === 'internal' ? 1 : receipt.quantities.units
  return [
    {
      kind,
      label: item === '' ? categoryLabels[category] : itemLabel(item),
      quantity,
      unit,
      rate: '',
      credits,
      ...(credits === 0 ? { free: true } : {}),
    },
  ]
}

/** Lines of several calls that say the same at the same rate become one. */
function mergedLines(lines: readonly CostLine[]): CostLine[] {
  const byKey = new Map<string, CostLine>()
  for (const line of lines) {
    const key = JSON.stringify([line.kind, line.label, line.unit, line.rate, line.free])
    const before = byKey.get(key)
    byKey.set(
      key,
      before === undefined
        ? line
        : { ...line, quantity: before.quantity + line.quantity, credits: before.credits + line.credits },
    )
  }
  return [...byKey.values()]
}

/** What the lines come to beyond the charge: shown, so that they still sum to it. */
function uncollectedLine(uncollected: Amount): CostLine {
  return {
    kind: 'uncollected',
    label: 'Not charged: credits ran out',
    quantity: 1,
    unit: 'call',
    rate: '',
    credits: 0 - uncollected,
  }
}
