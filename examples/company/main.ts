// The company as a process of its own, beside a gateway and a worker of Tollgate: everything by addresses from the environment.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { formatCatalogueErrors, parseCatalogue } from '../../package/catalogue.ts'
import { connectCharges } from '../../package/charges.ts'
import { startCompany } from './start-company.ts'

const settings = z
  .object({
    REDIS_URL: z.url(),
    DATABASE_URL: z.url(),
    TEMPORAL_ADDRESS: z.string().min(1),
    TEMPORAL_NAMESPACE: z.string().default('default'),
    GATEWAY_URL: z.url(),
    SERVICE_KEY: z.string().min(32),
    CATALOGUE: z.string().default('catalogue.yaml'),
    OUTBOX_DIR: z.string().default('.company-outbox'),
    // These two are as the gateway has them.
    HOLD_SECONDS: z.coerce.number().int().default(60),
    CLOCK_SLACK_SECONDS: z.coerce.number().int().default(60),
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number().int().default(8788),
  })
  .parse(process.env)

const parsed = parseCatalogue(readFileSync(settings.CATALOGUE, 'utf8'))
if (!parsed.ok) throw new Error(formatCatalogueErrors(parsed.errors, settings.CATALOGUE))
const { catalogue } = parsed
const temporal = { address: settings.TEMPORAL_ADDRESS, namespace: settings.TEMPORAL_NAMESPACE }
const charges = await connectCharges({
  redisUrl: settings.REDIS_URL,
  databaseUrl: settings.DATABASE_URL,
  temporal,
  catalogue,
  outboxFolder: settings.OUTBOX_DIR,
  holdMs: settings.HOLD_SECONDS * 1_000,
  clockSlackMs: settings.CLOCK_SLACK_SECONDS * 1_000,
})
const company = await startCompany({
  temporal,
  redisUrl: settings.REDIS_URL,
  gatewayUrl: settings.GATEWAY_URL,
  serviceKey: settings.SERVICE_KEY,
  charges,
  catalogue,
  host: settings.HOST,
  port: settings.PORT,
  onLog: (message, facts) => console.error(JSON.stringify({ message, ...facts })),
})
console.log(`the company is open at ${company.url}`)

const asked = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve())
})
await Promise.race([asked, company.ended, charges.ended])
await company.close()
await charges.close()
