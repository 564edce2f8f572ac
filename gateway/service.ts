import { z } from '@hono/zod-openapi'
import { Registry, collectDefaultMetrics } from 'prom-client'
import { createRoute } from '@hono/zod-openapi'
import type { Api } from './route.ts'
import { json } from './route.ts'

const Health = z.object({ status: z.literal('ok'), version: z.string() }).openapi('Health')
const Readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    parts: z
      .record(z.string(), z.enum(['ok', 'unavailable']))
      .openapi({ description: 'Model calls need the ledger and the outbox; the others may be away for a while.' }),
  })
  .openapi('Readiness')

const health = createRoute({
  method: 'get',
  path: '/healthz',
  tags: ['Service'],
  summary: 'The process lives',
  responses: { 200: json(Health, 'It does') },
})
const ready = createRoute({
  method: 'get',
  path: '/readyz',
  tags: ['Service'],
  summary: 'The process can take calls',
  description:
    'Ready while the ledger answers and the outbox can be written: model calls go on without Temporal and without the journal. A worker needs all three stores.',
  responses: { 200: json(Readiness, 'Ready'), 503: json(Readiness, 'A part that it cannot do without is unavailable') },
})
const metrics = createRoute({
  method: 'get',
  path: '/metrics',
  tags: ['Service'],
  summary: 'Metrics for Prometheus',
  responses: { 200: { description: 'Prometheus text format', content: { 'text/plain': { schema: z.string() } } } },
})

/** A part that takes longer than this to say that it is well is not. */
const patienceMs = 2_000

export interface ServiceDeps {
  /** By name; each resolves when its part answers. */
  readonly parts: Readonly<Record<string, () => Promise<void>>>
  /** The parts without which this process can do nothing. */
  readonly needs: readonly string[]
  readonly version: string
  readonly registry: Registry
}

/** Health, readiness and metrics of a process. */
export function serviceRoutes(app: Api, { parts, needs, version, registry }: ServiceDeps): void {
  app.openapi(health, (c) => c.json({ status: 'ok' as const, version }, 200))
  app.openapi(ready, async (c) => {
    const states = Object.fromEntries(
      await Promise.all(Object.entries(parts).map(async ([part, ask]) => [part, await stateOf(ask)] as const)),
    )
    return needs.every((part) => states[part] === 'ok')
      ? c.json({ status: 'ready' as const, parts: states }, 200)
      : c.json({ status: 'not_ready' as const, parts: states }, 503)
  })
  app.openapi(metrics, async (c) => c.text(await registry.metrics(), 200, { 'content-type': registry.contentType }))
}

/** The process's own figures. One registry per app: tests make many. */
export function createRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

async function stateOf(ask: () => Promise<void>): Promise<'ok' | 'unavailable'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'unavailable'>((resolve) => {
    timer = setTimeout(() => resolve('unavailable'), patienceMs)
  })
  const asked = ask().then(
    () => 'ok' as const,
    () => 'unavailable' as const,
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}
