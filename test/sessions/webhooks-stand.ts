import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import { AccessToken } from 'livekit-server-sdk'
import { Webhook } from 'standardwebhooks'
import { freePort } from '../../bin/stack/free-port.ts'
import { answerError } from '../../gateway/error.ts'
import { requestId } from '../../gateway/request-id.ts'
import type { ApiEnv } from '../../gateway/route.ts'
import { webhookRoutes } from '../../gateway/webhooks/webhook-routes.ts'
import { createHeardMessages } from '../../ledger/heard-messages.ts'
import { systemClock as clock } from '../../middleware/clock.ts'
import type { SessionAdapters } from '../../middleware/sessions/adapter.ts'
import { createLiveKitAdapter } from '../../middleware/sessions/adapters/livekit.ts'
import { createMeetingBotAdapter } from '../../middleware/sessions/adapters/meeting-bot.ts'
import { createWebhookAdapter } from '../../middleware/sessions/adapters/webhook.ts'
import { type RunningLiveKit, startLiveKit } from '../stack/livekit.ts'
import { type BotService, startBotService } from './bot-service.ts'
import { type CompanySystem, startCompanySystem } from './company-system.ts'
import { openSessionStand, type SessionStand } from './session-stand.ts'

export interface Told {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
  readonly body: any
}

/** A gateway's webhooks on a port of their own, with real systems that send to them, and a worker that runs sessions on those. */
export interface WebhooksStand extends SessionStand {
  readonly livekit: RunningLiveKit
  readonly bots: BotService
  readonly company: CompanySystem
  readonly adapters: SessionAdapters
  /** What LiveKit was answered, by event. */
  readonly answered: { readonly event: string; readonly outcome: string }[]
  /** What the log was told, by code. */
  readonly logged: string[]
  /** An event as it comes over the wire. */
  post(path: string, body: string, headers?: Readonly<Record<string, string>>): Promise<Told>
  signedByLiveKit(body: string, secret?: string): Promise<Record<string, string>>
  signedBy(secret: string, body: string, options?: { readonly id?: string; readonly at?: Date }): Record<string, string>
}

export async function openWebhooksStand(): Promise<WebhooksStand> {
  const stand = await openSessionStand()
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const [livekit, bots, company] = await Promise.all([
    startLiveKit({ webhookUrl: `${base}/webhooks/livekit` }),
    startBotService({ webhookUrl: `${base}/webhooks/meeting-bot` }),
    startCompanySystem(),
  ])
  const adapters: SessionAdapters = {
    livekit: createLiveKitAdapter(livekit),
    meeting_bot: createMeetingBotAdapter(bots),
    webhook: createWebhookAdapter({ ...company, clock }),
  }
  const answered: { event: string; outcome: string }[] = []
  const logged: string[] = []
  const log = {
    warn: (fields: object) => void logged.push((fields as { code: string }).code),
    error: () => undefined,
  }
  const app = new OpenAPIHono<ApiEnv>()
  app.use(requestId())
  app.use('/webhooks/livekit', async (c, next) => {
    const text = await c.req.raw.clone().text()
    await next()
    if (c.res.status !== 200) return
    const { event } = JSON.parse(text) as { event: string }
    const { outcome } = (await c.res.clone().json()) as { outcome: string }
    answered.push({ event, outcome })
  })
  webhookRoutes(app, {
    sessions: stand.sessions,
    adapters,
    heard: createHeardMessages(stand.given.redis),
    secrets: { livekit, meetingBot: bots.webhookSecret, company: company.secret },
    log,
  })
  app.onError((error, c) => answerError(error, c, log))
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const worker = await stand.temporal.startWorker(await stand.activities(adapters))
  return {
    ...stand,
    livekit,
    bots,
    company,
    adapters,
    answered,
    logged,
    async post(path, body, headers = {}) {
      const answer = await fetch(`${base}${path}`, { method: 'POST', body, headers })
      return { status: answer.status, body: await answer.json() }
    },
    async signedByLiveKit(body, secret = livekit.apiSecret) {
      const token = new AccessToken(livekit.apiKey, secret, { ttl: 300 })
      const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body))
      token.sha256 = Buffer.from(digest).toString('base64')
      return { authorization: await token.toJwt(), 'content-type': 'application/webhook+json' }
    },
    signedBy(secret, body, { id = `msg_${randomUUID()}`, at = new Date() } = {}) {
      return {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': new Webhook(secret).sign(id, at, body),
      }
    },
    async close() {
      await worker.stop()
      await livekit.stop()
      await bots.close()
      await company.close()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
      await stand.close()
    },
  }
}
