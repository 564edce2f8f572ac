// The gateway as a process of its own: REDIS_URL, TEMPORAL_ADDRESS, DATABASE_URL, ADMIN_KEY and TOKEN_SECRET must be set.
import { createLog } from './log.ts'
import { outboxPlace } from './open-process-outbox.ts'
import { openPartsByAddress } from './open-parts-by-address.ts'
import { run } from './run.ts'
import { sessionAdapters } from './session-adapters.ts'
import { addresses, readSettings, required } from './settings.ts'
import { startGateway } from './start-gateway.ts'
import { webhookSecrets } from './webhook-secrets.ts'

await run(async (stopped) => {
  const settings = required(readSettings(process.env), [...addresses, 'ADMIN_KEY', 'TOKEN_SECRET'])
  const log = createLog(settings.LOG_LEVEL)
  const parts = await openPartsByAddress(settings, log, stopped)
  const gateway = await startGateway(parts, {
    host: settings.HOST,
    port: settings.PORT,
    adminKey: settings.ADMIN_KEY,
    serviceKey: settings.SERVICE_KEY,
    tokenSecret: settings.TOKEN_SECRET,
    practiceTokensPerSecond: settings.PRACTICE_TOKENS_PER_SECOND,
    temporalUiUrl: null,
    publicUrl: settings.PUBLIC_URL,
    signUpOpen: settings.SIGNUP === 'open',
    testCheckout: settings.CHECKOUT === 'test',
    outbox: outboxPlace(settings),
    adapters: sessionAdapters(settings),
    webhooks: webhookSecrets(settings),
    companyUrl: () => settings.COMPANY_URL ?? null,
  })
  log.info({ url: gateway.url }, 'gateway is ready')
  return {
    ended: gateway.ended,
    async close() {
      await gateway.close()
      await parts.close()
    },
  }
})
