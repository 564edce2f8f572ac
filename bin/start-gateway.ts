import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { listModels } from '../credits/resolve-model.ts'
import { type AppDeps, createApp } from '../gateway/app.ts'
import { inspectAccount, loaded, readAccount } from '../gateway/api/reading.ts'
import { createChat } from '../gateway/chat-routes.ts'
import { createListener } from '../gateway/listener.ts'
import { tokenCounter } from '../gateway/count-tokens.ts'
import { estimateCall } from '../gateway/estimate.ts'
import { createTestCheckout } from '../gateway/checkout/checkout.ts'
import { grantForgotten } from '../gateway/checkout/orders.ts'
import { createPaces } from '../gateway/api/paces.ts'
import { createFeeds } from '../gateway/feed/feeds.ts'
import { createReceiptWatch } from '../gateway/feed/receipt-watch.ts'
import { readWebApp } from '../gateway/web.ts'
import { createLearned } from '../gateway/learn.ts'
import { createCallMetrics } from '../gateway/metrics.ts'
import type { WebhookSecrets } from '../gateway/webhooks/webhook-routes.ts'
import { createHeardMessages } from '../ledger/heard-messages.ts'
import { shardOf } from '../ledger/keys.ts'
import { createRememberedAnswers } from '../ledger/remembered-answers.ts'
import { createUndrainedReceipts } from '../ledger/undrained-receipts.ts'
import { createReceiptTail } from '../ledger/watch-receipts.ts'
import { accountTaskQueue } from '../credits/account/task-queue.ts'
import { createKeyRing } from '../middleware/api-keys.ts'
import { systemClock as clock } from '../middleware/clock.ts'
import { createGate } from '../middleware/gate.ts'
import { reportGate } from '../middleware/metrics.ts'
import { createLiveAccounts } from '../middleware/live-accounts.ts'
import type { Outbox } from '../middleware/outbox/outbox.ts'
import type { SessionAdapters } from '../middleware/sessions/adapter.ts'
import { createSessions } from '../middleware/sessions/sessions.ts'
import { createSignIns } from '../middleware/sign-ins.ts'
import { createTokens, type UserTokens } from '../middleware/user-tokens.ts'
import { listen } from './listen.ts'
import { type Parts, probes } from './open-parts.ts'
import { type OutboxPlace, openProcessOutbox } from './open-process-outbox.ts'
import { createProviders } from './providers.ts'
import { version } from './version.ts'

export interface GatewayOptions {
  readonly host: string
  readonly port: number
  readonly adminKey: string
  readonly serviceKey: string | undefined
  readonly tokenSecret: string
  readonly practiceTokensPerSecond: number
  readonly temporalUiUrl: string | null
  /** Where users reach it; undefined: where it listens. */
  readonly publicUrl: string | undefined
  /** Whether anybody may sign up at the gateway itself. */
  readonly signUpOpen: boolean
  /** Whether packs and plans can be bought without money, for trying things out. */
  readonly testCheckout: boolean
  readonly outbox: OutboxPlace
  /** What calls and meetings can run on, and by what the events of those systems are signed. */
  readonly adapters: SessionAdapters
  readonly webhooks: WebhookSecrets
  /** Where the company is that the web app's chat talks to; null: there is none, or not yet. */
  readonly companyUrl: () => string | null
}

export interface RunningGateway {
  readonly url: string
  readonly tokens: UserTokens
  /** Resolves if the gateway can start no work any more and must be started anew: another one took its outbox over while this process slept. */
  readonly ended: Promise<void>
  /** Takes no more calls, lets those on their way end, and sees their settlements through. */
  close(): Promise<void>
}

/** Calls on their way may take this long to end when the gateway closes; then they are cut, and charged for what they produced. */
const drainMs = 10_000

/** Serves HTTP. Throws StartError `port_taken`. */
export async function startGateway(parts: Parts, options: GatewayOptions): Promise<RunningGateway> {
  const { catalogue, priceBook, ledger, redis, journal, loader, log, temporal } = parts
  // The first caller who hangs up needs it, and all others would wait for its loading.
  const tokenizer = tokenCounter().catch((error: unknown) =>
    log.error({ err: error }, 'the tokenizer cannot be loaded: what should be counted is estimated'),
  )
  const accounts = createLiveAccounts({
    accounts: parts.accounts,
    ledger,
    loader,
    onNotLive: (accountId, error) =>
      log.warn({ accountId, err: error }, 'an account reaches the ledger later: its workflow goes on trying'),
  })
  const { usable, providerOf } = createProviders(catalogue, parts.environment, options.practiceTokensPerSecond)
  const learned = createLearned()
  const keys = createKeyRing({
    journal,
    clock,
    onPollFailure: (error) => log.warn({ err: error }, 'revocations of keys are not seen while the journal is away'),
  })
  const tokens = createTokens({ secret: options.tokenSecret, audience: 'tollgate', issuer: 'tollgate', clock })
  const { outbox, lost } = await openProcessOutbox(parts, options.outbox)
  const gate = createGate({
    ledger,
    findCharge: (accountId, id) => journal.findCharge(accountId, id),
    loadAccount: (accountId) => loader.load(accountId),
    clock,
    outbox,
  })
  reportGate(parts.registry, gate, outbox)
  const undrained = createUndrainedReceipts(redis)
  const paces = createPaces(journal, clock)
  const sessions = createSessions({
    client: parts.client,
    taskQueue: accountTaskQueue,
    ledger,
    catalogue: parts.catalogue,
    journal,
    adapters: options.adapters,
  })
  const feeds = createFeeds({
    sessions,
    journal,
    paces,
    undrained,
    read: (accountId) => readAccount({ ledger, loader }, accountId),
    inspect: (accountId) => inspectAccount({ ledger, loader }, accountId),
    watch: createReceiptWatch({
      tail: createReceiptTail(redis),
      shardOf,
      log,
    }),
    view: async (accountId) => {
      const answer = await accounts.view(accountId).catch(() => undefined)
      return answer?.ok ? answer.view : undefined
    },
    catalogue,
    log,
    now: clock.now,
  })
  const chat = createChat({
    gate,
    keyRing: keys,
    serviceKey: options.serviceKey,
    catalogue,
    priceBook,
    usable,
    providerOf,
    readAccount: async (accountId) => {
      const reading = await ledger.read(accountId)
      if (reading.status === 'loaded') return reading
      if ((await loader.load(accountId)) === 'unknown') return 'unknown'
      return loaded(() => ledger.read(accountId), loader, accountId)
    },
    ensureEmployee: async (accountId, card) => {
      await accounts.saveEmployee(accountId, { ...card, mode: 'first_use' })
    },
    answers: createRememberedAnswers(redis),
    keptKeys: journal,
    learned,
    clock,
    newId: randomUUID,
    limits: { holdTtlMs: parts.holdMs },
    log,
    metrics: createCallMetrics(parts.registry, [
      ...listModels(catalogue, usable).map(({ id }) => id),
      ...catalogue.images.models,
    ]),
  })
  // The port may be any that is free, so the address is known once it listens; nobody asks before.
  let publicUrl = options.publicUrl ?? ''
  const apiDeps: AppDeps = {
    registry: parts.registry,
    chat: chat.routes,
    ledger,
    undrained,
    journal,
    accounts,
    loader,
    keys,
    tokens,
    signIns: createSignIns({ journal, clock }),
    adminKey: options.adminKey,
    mailer: parts.mailer,
    publicUrl: () => publicUrl,
    companyUrl: options.companyUrl,
    signUpOpen: options.signUpOpen,
    checkout: options.testCheckout ? createTestCheckout(() => publicUrl) : null,
    catalogue,
    usable,
    estimate: (request) => estimateCall({ catalogue, priceBook, usable, learned, clock }, request),
    feeds,
    sessions,
    webhooks: {
      sessions,
      adapters: options.adapters,
      heard: createHeardMessages(redis),
      secrets: options.webhooks,
      log,
    },
    paces,
    clock,
    log,
    parts: { ...probes(parts), outbox: () => canBeWritten(outbox) },
    links: {
      temporalUi:
        options.temporalUiUrl === null ? null : `${options.temporalUiUrl}/namespaces/${temporal.namespace}/workflows`,
    },
    version: version(),
    web: readWebApp(fileURLToPath(new URL('../web/dist', import.meta.url))),
  }
  const app = createApp(apiDeps)
  void grantForgotten(apiDeps).catch((error: unknown) => log.error({ err: error }, 'orders were not looked through'))
  await tokenizer
  const server = createServer(createListener(app, chat.answerModelCall))
  const url = await listen(server, options.host, options.port, 'PORT')
  publicUrl = (options.publicUrl ?? url).replace(/\/+$/, '')
  return {
    url,
    tokens,
    ended: lost,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Feeds never end by themselves.
      await feeds.close()
      server.closeIdleConnections()
      await Promise.race([closed, clock.sleep(drainMs)])
      server.closeAllConnections()
      const unsettled = await gate.close(drainMs)
      const { left, lost } = await outbox.close(0)
      const told = { code: lost > 0 ? 'settlements_lost' : 'closed_early', unsettled, left, lost }
      if (lost > 0)
        log.error(told, 'settlements were given up: neither outbox nor ledger took them, their holds will expire')
      else if (unsettled > 0) log.warn(told, 'closed before all calls were settled: the next start sends what is left')
      await keys.close()
    },
  }
}

async function canBeWritten(outbox: Outbox): Promise<void> {
  const trouble = outbox.trouble()
  if (trouble !== null) throw new Error(trouble)
}
