import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import type { CallObservation } from '../../gateway/deps.ts'
import { createCallMetrics } from '../../gateway/metrics.ts'

const finished: CallObservation = {
  outcome: 'finished',
  row: { category: 'ai_usage', tier: 'fast', model: 'mock/plain' },
  quantities: { units: 1, inputTokens: 100, cachedTokens: 40, outputTokens: 30, reasoningTokens: 10 },
  chargedMicro: 1_500_000,
  uncollectedMicro: 0,
  settledMs: 0.4,
}

it('calls, credits and tokens are counted by tier and model, and a made-up model is no series of its own', async () => {
  const registry = new Registry()
  const metrics = createCallMetrics(registry, ['mock/plain'])
  metrics.ended(finished)
  metrics.ended({
    ...finished,
    row: { category: 'internal', tier: '', model: 'mock/made-up' },
    uncollectedMicro: 250_000,
  })
  metrics.refused('credits_depleted')
  const text = await registry.metrics()
  expect(text).toContain('tollgate_calls_total{outcome="finished",tier="fast",model="mock/plain"} 1')
  expect(text).toContain('tollgate_calls_total{outcome="credits_depleted",tier="",model=""} 1')
  expect(text).toContain('tollgate_credits_total{category="ai_usage",tier="fast",model="mock/plain"} 1.5')
  expect(text).toContain('tollgate_uncollected_credits_total{category="internal",tier="",model="other"} 0.25')
  const tokens = { input: 60, cached_input: 40, output: 20, reasoning: 10 }
  for (const [type, count] of Object.entries(tokens))
    expect(text).toContain(`tollgate_tokens_total{type="${type}",tier="fast",model="mock/plain"} ${count}`)
  expect(text).not.toContain('made-up')
})

it("the gate's own time is told apart from the provider's", async () => {
  const registry = new Registry()
  const metrics = createCallMetrics(registry, [])
  metrics.admitted(0.3)
  metrics.answered('mock', 800)
  metrics.ended(finished)
  const text = await registry.metrics()
  expect(text).toContain('tollgate_admission_seconds_bucket{le="0.0005"} 1')
  expect(text).toContain('tollgate_admission_seconds_bucket{le="0.00025"} 0')
  expect(text).toContain('tollgate_upstream_seconds_sum{provider="mock"} 0.8')
  expect(text).toContain('tollgate_settle_seconds_count 1')
})

it('a report that contradicts itself breaks no counter', async () => {
  const registry = new Registry()
  const metrics = createCallMetrics(registry, ['mock/plain'])
  metrics.ended({ ...finished, quantities: { ...finished.quantities, cachedTokens: 400, reasoningTokens: 50 } })
  expect(await registry.metrics()).toContain('tollgate_tokens_total{type="input",tier="fast",model="mock/plain"} 0')
})

it('images are counted by what each was charged as', async () => {
  const registry = new Registry()
  const metrics = createCallMetrics(registry, ['mock/image'])
  metrics.delivered(3, 'image.hd', 'mock/image')
  metrics.delivered(1, 'image.hd', 'mock/made-up')
  const text = await registry.metrics()
  expect(text).toContain('tollgate_images_total{activity="image.hd",model="mock/image"} 3')
  expect(text).toContain('tollgate_images_total{activity="image.hd",model="other"} 1')
})
