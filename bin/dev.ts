// `npm start`: the whole stack on this machine. Redis and the Temporal dev server as children, gateway, worker and journal in this process.
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { claimFolder, type FolderClaim } from '../journal/folder-owner.ts'
import { createDemoAccount } from './demo/demo-account.ts'
import { readDevSecrets, writeDevSecrets } from './dev-secrets.ts'
import { createLog } from './log.ts'
import { outboxPlace } from './open-process-outbox.ts'
import { createPatience } from './patience.ts'
import { mailOptions } from './mail-options.ts'
import { openParts, openStore, readCatalogue } from './open-parts.ts'
import { type Running, run } from './run.ts'
import { sessionAdapters } from './session-adapters.ts'
import { readSettings, StartError, type Settings } from './settings.ts'
import { freePort } from './stack/free-port.ts'
import { startRedis } from './stack/redis.ts'
import { startTemporal } from './stack/temporal.ts'
import { startDevCompany } from './start-dev-company.ts'
import { startGateway } from './start-gateway.ts'
import { startWorker } from './start-worker.ts'
import { webhookSecrets } from './webhook-secrets.ts'
import { stackCode } from './workflow-code.ts'

await run(async (stopped) => {
  const settings = readSettings({ LOG_LEVEL: 'warn', ...process.env })
  const dataDir = resolve(settings.DATA_DIR)
  const log = createLog(settings.LOG_LEVEL)
  const closers: (() => unknown)[] = []
  const close = async () => {
    for (const closer of closers.toReversed()) await closer()
  }
  try {
    return await start(settings, dataDir)
  } catch (error) {
    await close()
    throw error
  }

  async function start(settings: Settings, dataDir: string): Promise<Running> {
    const catalogue = await readCatalogue(settings.CATALOGUE)
    const patience = createPatience({ seconds: settings.START_PATIENCE_SECONDS, stopped, log })
    const embedded = settings.DATABASE_URL === undefined
    const stack = claimStack(dataDir)
    closers.push(() => stack.then((claim) => claim.release()).catch(() => {}))
    // These two take the longest: they begin at once, and whoever waits for them hears of their failure.
    const journal = openStore(
      settings.DATABASE_URL === undefined ? { dataDir: join(dataDir, 'journal') } : { url: settings.DATABASE_URL },
      patience,
    )
    const code = stackCode(settings.CATALOGUE)
    for (const early of [journal, code]) early.catch(() => {})
    // Should a part between here and `openParts` fail, a folder that is being filled is not left half full. Closing twice does no harm.
    closers.push(() => journal.then((open) => open.close()).catch(() => {}))
    closers.push(() => patience.giveUp())
    const { lost } = await stack
    const kept = readDevSecrets(dataDir)
    // Noted before it is used: after a crash the same past is made again
    const isNew = kept.demoKey === null && settings.DEMO_HISTORY === 'yes'
    const secrets = { ...kept, demoSinceMs: kept.demoSinceMs ?? (isNew ? Date.now() : null) }
    writeDevSecrets(dataDir, secrets)
    const [redis, temporal] = await Promise.all([devRedis(settings, dataDir), devTemporal(settings, dataDir)])
    closers.push(() => Promise.all([redis.stop(), temporal.stop()]))

    const parts = await openParts({
      mail: mailOptions(settings),
      redisUrl: redis.url,
      temporal: { address: temporal.address, namespace: settings.TEMPORAL_NAMESPACE },
      journal,
      catalogue,
      clockSlackMs: settings.CLOCK_SLACK_SECONDS * 1_000,
      holdMs: settings.HOLD_SECONDS * 1_000,
      environment: process.env,
      patience,
      log,
    })
    closers.push(() => parts.close())
    say(embedded ? 'journal   PGlite in this process' : 'journal   by DATABASE_URL')

    const adminKey = settings.ADMIN_KEY ?? secrets.adminKey
    const serviceKey = settings.SERVICE_KEY ?? secrets.serviceKey
    let companyUrl: string | null = settings.COMPANY_URL ?? null
    const [worker, gateway] = await Promise.all([
      startWorker(
        parts,
        code.then(({ own }) => own),
        settings,
      ),
      freePort(settings.PORT).then((port) =>
        startGateway(parts, {
          host: settings.HOST,
          port,
          adminKey,
          serviceKey,
          tokenSecret: settings.TOKEN_SECRET ?? secrets.tokenSecret,
          practiceTokensPerSecond: settings.PRACTICE_TOKENS_PER_SECOND,
          temporalUiUrl: temporal.uiUrl,
          publicUrl: settings.PUBLIC_URL,
          signUpOpen: settings.SIGNUP !== 'closed',
          testCheckout: settings.CHECKOUT !== 'none',
          outbox: outboxPlace(settings),
          adapters: sessionAdapters(settings),
          webhooks: webhookSecrets(settings),
          companyUrl: () => companyUrl,
        }),
      ),
    ])
    closers.push(() => worker.close())
    closers.push(() => gateway.close())

    const [company, demo] = await Promise.all([
      freePort(settings.COMPANY_PORT).then((port) =>
        startDevCompany(parts, {
          outboxFolder: join(dataDir, 'company-outbox'),
          redisUrl: redis.url,
          gatewayUrl: gateway.url,
          serviceKey,
          workflowBundle: code.then(({ company }) => company),
          host: settings.HOST,
          port,
        }),
      ),
      createDemoAccount({ parts, gateway, knownKey: secrets.demoKey, sinceMs: secrets.demoSinceMs }),
    ])
    closers.push(() => company.close())
    companyUrl ??= company.url
    writeDevSecrets(dataDir, { ...secrets, demoKey: demo.apiKey })
    const file = join(dataDir, 'dev.json')
    const facts = {
      gatewayUrl: gateway.url,
      webUrl: gateway.url,
      companyUrl: company.url,
      temporalUiUrl: temporal.uiUrl,
      temporalAddress: temporal.address,
      redisUrl: redis.url,
      adminKey,
      serviceKey,
      demo,
    }
    writeFileSync(file, `${JSON.stringify(facts, null, 2)}\n`, { mode: 0o600 })
    closers.push(() => rmSync(file, { force: true }))
    process.stdout.write(greeting({ ...facts, mailFolder: mailOptions(settings).folder }))
    return {
      ended: Promise.race([lost, redis.ended, temporal.ended, worker.ended, gateway.ended, company.ended]),
      close() {
        process.stdout.write('\nstopping: calls on their way end first\n')
        return close()
      },
    }
  }
})

/** One stack a folder: a second Redis on the same append-only file would destroy it. */
async function claimStack(dataDir: string): Promise<FolderClaim> {
  try {
    return await claimFolder(join(dataDir, 'stack'), {
      onWait: (waitMs) =>
        say(`another container may use ${dataDir}: its sign of life is waited for, ${waitMs / 1_000} s at most`),
    })
  } catch (error) {
    if (!(error instanceof Error && error.name === 'JournalNotOpened')) throw error
    throw new StartError(
      'already_running',
      `a stack is running on ${dataDir}: stop it, or set DATA_DIR to another folder`,
    )
  }
}

interface StackPart {
  readonly ended: Promise<void>
  stop(): Promise<void>
}
/** A part that somebody else runs never ends by us, nor we by it. */
function notOurs(): StackPart {
  return { ended: new Promise(() => {}), stop: async () => {} }
}

async function devRedis(settings: Settings, dataDir: string): Promise<StackPart & { readonly url: string }> {
  if (settings.REDIS_URL !== undefined) {
    say('Redis     by REDIS_URL')
    return { ...notOurs(), url: settings.REDIS_URL }
  }
  const redis = await startRedis({
    port: await freePort(settings.REDIS_PORT),
    dir: join(dataDir, 'redis'),
    appendonly: 'everysec',
  })
  say(`Redis     ${redis.url}`)
  return redis
}

async function devTemporal(
  settings: Settings,
  dataDir: string,
): Promise<StackPart & { readonly address: string; readonly uiUrl: string | null }> {
  if (settings.TEMPORAL_ADDRESS !== undefined) {
    say('Temporal  by TEMPORAL_ADDRESS')
    return { ...notOurs(), address: settings.TEMPORAL_ADDRESS, uiUrl: null }
  }
  const port = await freePort(settings.TEMPORAL_PORT)
  const uiPort = await freePort(settings.TEMPORAL_UI_PORT)
  const temporal = await startTemporal({
    port,
    uiPort,
    dbFilename: join(dataDir, 'temporal.sqlite'),
    namespace: settings.TEMPORAL_NAMESPACE,
  })
  say(`Temporal  ${temporal.address}`)
  return { ...temporal, uiUrl: temporal.uiUrl ?? null }
}

/** With the seconds since the process began, loading included. */
function say(line: string): void {
  process.stdout.write(`${(performance.now() / 1_000).toFixed(1).padStart(5)} s  ${line}\n`)
}

function greeting({
  mailFolder,
  gatewayUrl,
  companyUrl,
  temporalUiUrl,
  demo,
}: {
  mailFolder: string
  gatewayUrl: string
  companyUrl: string
  temporalUiUrl: string | null
  demo: { apiKey: string; signInLink: string }
}): string {
  const seconds = (performance.now() / 1_000).toFixed(1)
  return `
Tollgate is ready after ${seconds} s.

  gateway      ${gatewayUrl}/v1   (base URL for any OpenAI client)
  API          ${gatewayUrl}/docs
  company      ${companyUrl}/company   (examples/company: workflows that are billed)
${temporalUiUrl === null ? '' : `  Temporal UI  ${temporalUiUrl}\n`}  demo key     ${demo.apiKey}
  sign in      ${demo.signInLink}   (as the demo user, once, within an hour)
  sign up      ${gatewayUrl}/signup   (mail is written to ${mailFolder}, unless SMTP_URL is set)

Your first charged call:

  curl -s ${gatewayUrl}/v1/chat/completions \\
    -H 'authorization: Bearer ${demo.apiKey}' -H 'content-type: application/json' \\
    -d '{"model": "fast", "messages": [{"role": "user", "content": "Say hello in five words."}]}'

What it left of the welcome bonus:

  curl -s ${gatewayUrl}/credits/v1/balance -H 'authorization: Bearer ${demo.apiKey}'

A day of the company's work, with every charge as a statement:

  npm run company

Ctrl-C stops everything. The data stays, and so does the key.
`
}
