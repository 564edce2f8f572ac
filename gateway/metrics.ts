import { Counter, type Registry } from 'prom-client'
import { microPerCredit } from '../credits/money.ts'
import type { CallObservation } from './deps.ts'

/** Names that callers make up would be a series each. */
const otherModel = 'other'

/**
 * Counts model calls and what they cost. Labels are bounded: outcomes and refusals, tiers, and the models of `known`; never a user.
 * Credits are counted as decimals: figures to watch, not to bill.
 */
export function createCallMetrics(registry: Registry, known: Iterable<string>): (call: CallObservation) => void {
  const models = new Set(known)
  const registers = [registry]
  const calls = new Counter({
    name: 'tollgate_calls_total',
    help: 'Model calls by outcome: finished, stopped_at_zero, abandoned, failed, replayed, or the code of a refusal',
    labelNames: ['outcome', 'tier', 'model'],
    registers,
  })
  const charged = new Counter({
    name: 'tollgate_credits_charged_total',
    help: 'Credits charged for model calls',
    labelNames: ['tier', 'model'],
    registers,
  })
  const uncollected = new Counter({
    name: 'tollgate_credits_uncollected_total',
    help: 'Credits that model calls cost beyond what their accounts had',
    labelNames: ['tier', 'model'],
    registers,
  })
  return ({ outcome, tier, model: named, chargedMicro, uncollectedMicro }) => {
    const model = named === '' || models.has(named) ? named : otherModel
    calls.inc({ outcome, tier, model })
    if (chargedMicro > 0) charged.inc({ tier, model }, chargedMicro / microPerCredit)
    if (uncollectedMicro > 0) uncollected.inc({ tier, model }, uncollectedMicro / microPerCredit)
  }
}
