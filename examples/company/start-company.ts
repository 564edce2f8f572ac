import { Client, Connection } from '@temporalio/client'
import { Redis } from 'ioredis'
import type { Catalogue } from '../../package/catalogue.ts'
import { createOpenAI } from '../../package/openai.ts'
import type { Charges } from '../../package/temporal.ts'
import { createActivities } from './activities/index.ts'
import { bundleCompany } from './bundle.ts'
import { serveDoor } from './door/serve-door.ts'
import { createEventLog } from './event-log.ts'
import { createImages } from './images.ts'
import { createPlugin } from './plugin.ts'
import { startWorker } from './start-worker.ts'

export interface CompanyOptions {
  readonly temporal: { readonly address: string; readonly namespace: string }
  /** For events and pictures. It may be the ledger's: every key here begins with `company:` and expires. */
  readonly redisUrl: string
  readonly gatewayUrl: string
  /** The gateway's SERVICE_KEY. */
  readonly serviceKey: string
  readonly charges: Charges
  readonly catalogue: Catalogue
  readonly host?: string
  /** 0 = any that is free. */
  readonly port: number
  /** Made beforehand, since it takes a while; otherwise it is made now. */
  readonly workflowBundle?: Promise<{ readonly code: string }>
  readonly onLog?: (message: string, facts: Readonly<Record<string, unknown>>) => void
}

export interface RunningCompany {
  readonly url: string
  /** Resolves, or rejects, if its worker stops by itself. */
  readonly ended: Promise<void>
  /** Takes no more requests and lets activities end. Its charges are closed after it, by whoever opened them. */
  close(): Promise<void>
}

/** The company: its worker, its client and its HTTP door. */
export async function startCompany(options: CompanyOptions): Promise<RunningCompany> {
  const { temporal, gatewayUrl, serviceKey, charges, catalogue, host = '127.0.0.1', port, onLog } = options
  const workflowBundle = await (options.workflowBundle ?? bundleCompany(catalogue))
  const plugin = createPlugin({
    catalogue,
    charges,
    onEvent: ({ kind, ...facts }) => onLog?.(`the plugin tells: ${kind}`, facts),
  })
  const connection = await Connection.connect({ address: temporal.address })
  const client = new Client({ connection, namespace: temporal.namespace, plugins: [plugin] })
  const redis = new Redis(options.redisUrl)
  redis.on('error', (error) => onLog?.('Redis does not answer', { error: error.message }))
  const events = createEventLog(redis)
  const images = createImages(redis)
  const openai = createOpenAI({ baseURL: `${gatewayUrl}/v1`, apiKey: serviceKey })
  const activities = createActivities({ openai, events, images, client })
  const worker = await startWorker({ temporal, plugin, workflowBundle, activities })
  const door = await serveDoor(
    { client, events, images, gatewayUrl, serviceKey, ...(onLog === undefined ? {} : { onLog }) },
    host,
    port,
  )
  return {
    url: door.url,
    ended: worker.ended,
    async close() {
      await door.close()
      await worker.close()
      await connection.close()
      redis.disconnect()
    },
  }
}
