import { Counter, Histogram, type Registry } from 'prom-client'
import { microPerCredit } from '../credits/money.ts'
import type { CallMetrics, CallObservation } from './deps.ts'

/** Names that callers make up would be a series each. */
const otherModel = 'other'
/** From a tenth of a millisecond, what the gate costs, to the minutes that a model may think. */
const gateBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]
const upstreamBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

/**
 * Counts model calls, what they used and cost, and how long the gate took apart from the provider. Labels are bounded: outcomes and refusals,
 * categories, tiers, providers, and the models of `known`; never a user. Credits are counted as decimals: figures to watch, not to bill.
 */
export function createCallMetrics(registry: Registry, known: Iterable<string>): CallMetrics {
  const models = new Set(known)
  const registers = [registry]
  const calls = new Counter({
    name: 'tollgate_calls_total',
    help: 'Model calls by outcome: finished, stopped_at_zero, abandoned, failed, replayed, or the code of a refusal',
    labelNames: ['outcome', 'tier', 'model'],
    registers,
  })
  const credits = new Counter({
    name: 'tollgate_credits_total',
    help: 'Credits charged',
    labelNames: ['category', 'tier', 'model'],
    registers,
  })
  const uncollected = new Counter({
    name: 'tollgate_uncollected_credits_total',
    help: 'Credits that were used beyond what their accounts had; they are not owed',
    labelNames: ['category', 'tier', 'model'],
    registers,
  })
  const tokens = new Counter({
    name: 'tollgate_tokens_total',
    help: 'Tokens by type, each in one of them: input, cached_input, output, reasoning',
    labelNames: ['type', 'tier', 'model'],
    registers,
  })
  const images = new Counter({
    name: 'tollgate_images_total',
    help: 'Images delivered, by the activity that each was charged as',
    labelNames: ['activity', 'model'],
    registers,
  })
  const admission = new Histogram({
    name: 'tollgate_admission_seconds',
    help: 'From a request to its provider being called, or to its refusal by the ledger',
    buckets: gateBuckets,
    registers,
  })
  const settle = new Histogram({
    name: 'tollgate_settle_seconds',
    help: 'From the end of a call to the answer of the ledger; nobody waits for it',
    buckets: gateBuckets,
    registers,
  })
  const upstream = new Histogram({
    name: 'tollgate_upstream_seconds',
    help: 'From the call of a provider to the first byte of its answer',
    labelNames: ['provider'],
    buckets: upstreamBuckets,
    registers,
  })
  // Labels are hashed once per series, not once per call.
  const series = new Map<string, Series>()
  const providers = new Map<string, Histogram.Internal<'provider'>>()

  const modelOf = (id: string): string => (models.has(id) ? id : otherModel)

  return {
    refused: (outcome) => calls.inc({ outcome, tier: '', model: '' }),
    admitted: (ms) => admission.observe(ms / 1_000),
    answered(provider, ms) {
      let times = providers.get(provider)
      if (times === undefined) providers.set(provider, (times = upstream.labels({ provider })))
      times.observe(ms / 1_000)
    },
    ended(call) {
      const { chargedMicro, uncollectedMicro, settledMs, quantities } = call
      const { calls, credits, uncollected, tokens } = seriesOf(call)
      calls.inc()
      if (chargedMicro > 0) credits.inc(chargedMicro / microPerCredit)
      if (uncollectedMicro > 0) uncollected.inc(uncollectedMicro / microPerCredit)
      // A provider's report may contradict itself, and a counter takes nothing below zero.
      tokens.input.inc(Math.max(0, quantities.inputTokens - quantities.cachedTokens))
      tokens.cached_input.inc(quantities.cachedTokens)
      tokens.output.inc(Math.max(0, quantities.outputTokens - quantities.reasoningTokens))
      tokens.reasoning.inc(quantities.reasoningTokens)
      settle.observe(settledMs / 1_000)
    },
    delivered: (count, activity, model) => images.inc({ activity, model: modelOf(model) }, count),
  }

  function seriesOf(call: CallObservation): Series {
    const { category, tier } = call.row
    const model = modelOf(call.row.model)
    const name = `${call.outcome} ${category} ${tier} ${model}`
    let found = series.get(name)
    if (found === undefined) {
      const ofType = (type: string) => tokens.labels({ type, tier, model })
      found = {
        calls: calls.labels({ outcome: call.outcome, tier, model }),
        credits: credits.labels({ category, tier, model }),
        uncollected: uncollected.labels({ category, tier, model }),
        tokens: {
          input: ofType('input'),
          cached_input: ofType('cached_input'),
          output: ofType('output'),
          reasoning: ofType('reasoning'),
        },
      }
      series.set(name, found)
    }
    return found
  }
}

interface Series {
  readonly calls: Counter.Internal
  readonly credits: Counter.Internal
  readonly uncollected: Counter.Internal
  readonly tokens: Readonly<Record<'input' | 'cached_input' | 'output' | 'reasoning', Counter.Internal>>
}
