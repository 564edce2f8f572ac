import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { ApiEnv } from '../gateway/route.ts'
import { serviceRoutes } from '../gateway/service.ts'
import { listen } from './listen.ts'
import { type Parts, probes } from './open-parts.ts'
import { version } from './version.ts'

export interface WorkerService {
  readonly url: string
  close(): Promise<void>
}

/** A worker's own door: `/healthz`, `/readyz`, `/metrics`. Throws StartError `port_taken`. */
export async function startWorkerService(
  parts: Parts,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<WorkerService> {
  const app = new OpenAPIHono<ApiEnv>()
  // It brings receipts from the ledger to the journal and rows to Temporal: while one of them is away it waits.
  serviceRoutes(app, {
    parts: probes(parts),
    needs: ['ledger', 'temporal', 'journal'],
    version: version(),
    registry: parts.registry,
  })
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  const url = await listen(server, host, port, 'WORKER_PORT')
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
