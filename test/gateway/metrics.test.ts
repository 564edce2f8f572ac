import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { CallObservation } from '../../gateway/deps.ts'
import { createCallMetrics } from '../../gateway/metrics.ts'

const finished: CallObservation = {
  outcome: 'finished',
  tier: 'fast',
  model: 'mock/plain',
  provider: 'mock',
  streamed: false,
  estimated: false,
  chargedMicro: 1_500_000,
  uncollectedMicro: 0,
  durationMs: 5,
}

it('model calls are counted by outcome, tier and model, and a made-up model is no series of its own', async () => {
  const registry = new Registry()
  const count = createCallMetrics(registry, ['mock/plain'])
  count(finished)
  count({ ...finished, model: 'mock/made-up', tier: '', uncollectedMicro: 250_000 })
  count({ ...finished, outcome: 'credits_depleted', tier: '', model: '', chargedMicro: 0 })
  const text = await registry.metrics()
  expect(text).toContain('tollgate_calls_total{outcome="finished",tier="fast",model="mock/plain"} 1')
  expect(text).toContain('tollgate_calls_total{outcome="credits_depleted",tier="",model=""} 1')
  expect(text).toContain('tollgate_credits_charged_total{tier="fast",model="mock/plain"} 1.5')
  expect(text).toContain('tollgate_credits_uncollected_total{tier="",model="other"} 0.25')
  expect(text).not.toContain('made-up')
})
