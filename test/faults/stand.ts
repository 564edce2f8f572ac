import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../../bin/stack/child.ts'
import { freePort } from '../../bin/stack/free-port.ts'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { type Cuttable, openCuttable } from '../stack/cuttable.ts'
import { startPostgres } from '../stack/postgres.ts'
import { until } from '../stack/until.ts'
import type { Caller } from './callers.ts'
import { type MockProvider, price, startMockProvider } from './mock-provider.ts'

export const partNames = ['gateway A', 'gateway B', 'worker', 'redis', 'postgres', 'temporal'] as const
export type PartName = (typeof partNames)[number]

/** What was done to the stand, and when: it explains what the books say afterwards. */
export interface Happening {
  readonly atMs: number
  readonly part: PartName
  /** `lost`: what Redis held went back in time, or away. */
  readonly what: 'killed' | 'up' | 'cut off' | 'reached again' | 'lost'
}

export interface StandOptions {
  /** Lease of a hold: what recovery from a killed gateway takes. */
  readonly holdSeconds: number
  /** Callers' accounts; of each five, one has little. */
  readonly accounts: number
  /** For gateways and worker, beside what every stand has. */
  readonly settings?: Readonly<Record<string, string>>
  /** How far the clocks of some are off. */
  readonly clockShiftMs?: Readonly<Partial<Record<PartName, number>>>
  readonly say?: (line: string) => void
}

/** The real processes, each of which a test can kill at any moment, and what stands between them. */
export interface Stand {
  readonly holdMs: number
  /** Of the gateways, also while they are down. */
  readonly urls: readonly string[]
  readonly provider: MockProvider
  readonly callers: readonly Caller[]
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly temporalAddress: string
  readonly catalogueFile: string
  readonly happenings: readonly Happening[]
  /** `kill -9` of a part that is up. Resolves when it is gone. */
  kill(part: PartName): Promise<void>
  /** Starts a part again and again until it runs, as a supervisor would: some parts need others at their start. */
  start(part: PartName): Promise<void>
  isUp(part: PartName): boolean
  /** Another process stands in for a part that was killed. */
  replace(part: PartName, child: Child): void
  /** Credits for one of the callers, as an operator grants them. */
  grant(accountId: string, credits: number): Promise<void>
  /** A little more for the callers who have little. */
  topUp(): Promise<void>
  /** Between gateways and workers and the journal. */
  readonly journalWay: Cuttable
  readonly redisFolder: string
  note(part: PartName, what: Happening['what']): void
  /** A gateway's or the worker's own figures. Rejects when it does not answer. */
  metrics(part: 'gateway A' | 'gateway B' | 'worker'): Promise<string>
  /** Where logs and data are. */
  readonly folder: string
  /** Ends everything. Keeps logs and data if asked to. */
  close(options?: { readonly keepFolders?: boolean }): Promise<void>
}

/** Of a busy machine, with other parts away for a while. */
const startsWithinMs = 180_000
const adminKey = 'the-operators-key-of-fault-tests'
const shiftedClock = new URL('./sessions/shifted-clock.ts', import.meta.url).href
const root = fileURLToPath(new URL('../..', import.meta.url))

export async function openStand({
  holdSeconds,
  accounts,
  settings = {},
  clockShiftMs = {},
  say = () => undefined,
}: StandOptions): Promise<Stand> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-faults-'))
  mkdirSync(join(folder, 'logs'))
  const provider = await startMockProvider()
  const catalogueFile = writeCatalogue(folder)
  const redisFolder = join(folder, 'redis')
  // PostgreSQL may run as another user, who cannot look into a folder of ours.
  const postgresFolder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  const ports = Object.fromEntries(
    await Promise.all(partNames.map(async (part) => [part, await freePort()] as const)),
  ) as Readonly<Record<PartName, number>>
  const databaseUrl = `postgres://tollgate@127.0.0.1:${ports.postgres}/tollgate`
  const journalWay = await openCuttable(new URL(databaseUrl))
  const environment = {
    REDIS_URL: `redis://127.0.0.1:${ports.redis}`,
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
    DATABASE_URL: journalWay.url,
    ADMIN_KEY: adminKey,
    TOKEN_SECRET: 'the-signing-secret-of-the-fault-tests',
    OPENAI_BASE_URL: provider.url,
    OPENAI_API_KEY: 'mock',
    CATALOGUE: catalogueFile,
    LOG_LEVEL: 'info',
    HOLD_SECONDS: String(holdSeconds),
    // An account that was loaded a moment ago asks the journal for this long whether its ids are new.
    CLOCK_SLACK_SECONDS: '1',
    // What comes to rest by this alone would take a minute.
    OUTBOX_REPLAY_SECONDS: '4',
    // A program that starts again and again need not be compiled each time.
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    ...settings,
  }
  const starters: Readonly<Record<PartName, () => Promise<Child>>> = {
    'gateway A': () => program('gateway A', 'bin/gateway.ts', { PORT: String(ports['gateway A']) }),
    'gateway B': () => program('gateway B', 'bin/gateway.ts', { PORT: String(ports['gateway B']) }),
    worker: () => program('worker', 'bin/worker.ts', { WORKER_PORT: String(ports.worker) }),
    redis: () => startRedis({ port: ports.redis, dir: redisFolder, appendonly: 'everysec' }),
    postgres: () => startPostgres({ port: ports.postgres, folder: postgresFolder }),
    temporal: () => startTemporal({ port: ports.temporal, dbFilename: join(folder, 'temporal.sqlite') }),
  }
  const running = new Map<PartName, Child>()
  const starting = new Map<PartName, Promise<void>>()
  const happenings: Happening[] = []
  let closing = false

  const note = (part: PartName, what: Happening['what']): void => {
    happenings.push({ atMs: Date.now(), part, what })
    say(`${part} ${what}`)
  }

  function program(part: PartName, file: string, own: Readonly<Record<string, string>>): Promise<Child> {
    // The shell only leads the log to a file; `exec` gives its place, and its process id, to the program.
    return startChild({
      command: 'sh',
      args: ['-c', 'exec "$0" "$1" >>"$LOG_FILE" 2>&1', process.execPath, join(root, file)],
      port: ports[part],
      env: {
        ...environment,
        ...own,
        ...clockOf(part),
        DATA_DIR: join(folder, part.replace(' ', '-')),
        LOG_FILE: join(folder, 'logs', `${part.replace(' ', '-')}.log`),
      },
      readyWithinMs: 60_000,
      isReady: async () => (await fetch(`http://127.0.0.1:${ports[part]}/healthz`)).ok,
    })
  }

  function clockOf(part: PartName): Readonly<Record<string, string>> {
    const shiftMs = clockShiftMs[part]
    if (shiftMs === undefined) return {}
    return { NODE_OPTIONS: `--import ${shiftedClock}`, CLOCK_SHIFT_MS: String(shiftMs) }
  }

  async function startUntilItRuns(part: PartName): Promise<void> {
    const giveUpMs = Date.now() + startsWithinMs
    while (!closing && !running.has(part)) {
      try {
        running.set(part, await starters[part]())
        note(part, 'up')
      } catch (error) {
        if (Date.now() > giveUpMs) throw error
        await pause(500)
      }
    }
  }

  const stand: Stand = {
    holdMs: holdSeconds * 1_000,
    urls: [`http://127.0.0.1:${ports['gateway A']}`, `http://127.0.0.1:${ports['gateway B']}`],
    provider,
    callers: [],
    redisUrl: environment.REDIS_URL,
    databaseUrl,
    temporalAddress: environment.TEMPORAL_ADDRESS,
    catalogueFile,
    happenings,
    journalWay,
    redisFolder,
    folder,
    note,
    isUp: (part) => running.has(part),
    async kill(part) {
      const child = running.get(part)
      if (child === undefined) throw new Error(`${part} does not run`)
      running.delete(part)
      note(part, 'killed')
      await child.kill()
    },
    start(part) {
      let work = starting.get(part)
      if (work === undefined) {
        work = startUntilItRuns(part).finally(() => starting.delete(part))
        starting.set(part, work)
      }
      return work
    },
    replace(part, child) {
      running.set(part, child)
      note(part, 'up')
    },
    async grant(accountId, credits) {
      await admin(stand.urls[0]!, `/${accountId}/grants`, { credits: String(credits), reason: 'a test' })
    },
    async topUp() {
      const poor = stand.callers.filter((_, index) => isPoor(index))
      for (const { accountId } of poor) await stand.grant(accountId, 1)
    },
    async metrics(part) {
      const answer = await fetch(`http://127.0.0.1:${ports[part]}/metrics`)
      return answer.text()
    },
    async close({ keepFolders = false } = {}) {
      closing = true
      await Promise.all(starting.values())
      for (const part of ['gateway A', 'gateway B', 'worker', 'temporal', 'postgres', 'redis'] as const)
        await running.get(part)?.kill()
      journalWay.close()
      await provider.close()
      for (const used of keepFolders ? [] : [folder, postgresFolder]) rmSync(used, { recursive: true, force: true })
    },
  }
  try {
    await Promise.all((['redis', 'postgres', 'temporal'] as const).map((part) => stand.start(part)))
    await Promise.all((['worker', 'gateway A', 'gateway B'] as const).map((part) => stand.start(part)))
    const indices = Array.from({ length: accounts }, (_, index) => index)
    const callers = await Promise.all(indices.map((index) => openAccount(stand.urls[index % 2]!, index)))
    return Object.assign(stand, { callers })
  } catch (error) {
    await stand.close({ keepFolders: true })
    throw error
  }
}

/** As the shipped one, with a model at round prices and a bonus that some calls use up. */
function writeCatalogue(folder: string): string {
  const file = join(folder, 'catalogue.yaml')
  const shipped = readFileSync(join(root, 'catalogue.yaml'), 'utf8')
  // Credits per million tokens, so µcr a token.
  const rates = `{ input_tokens: ${price.input}, output_tokens: ${price.output} }`
  const own = shipped
    .replace('prices: {}', `prices:\n  openai/steady: ${rates}`)
    .replace('welcome: { amount: 1000,', 'welcome: { amount: 1,')
    // Sessions are compared with the truth to the millisecond, and who falls silent is not waited for
    .replace('rounding: second', 'rounding: exact')
    .replace('silentAfterSeconds: 30', 'silentAfterSeconds: 12')
  const parts = ['prices:\n  openai/steady', 'welcome: { amount: 1,', 'rounding: exact', 'silentAfterSeconds: 12']
  if (parts.some((part) => !own.includes(part))) throw new Error('the shipped catalogue has changed: adapt this')
  writeFileSync(file, own)
  return file
}

/** Of each five callers the first. */
export const isPoor = (index: number): boolean => index % 5 === 0

async function openAccount(url: string, index: number): Promise<Caller> {
  const accountId = `faults-${index}`
  await admin(url, '', { userId: accountId, email: `${accountId}@example.com`, timeZone: 'UTC' })
  if (!isPoor(index)) await admin(url, `/${accountId}/grants`, { credits: '100000', reason: 'a test of faults' })
  return {
    accountId,
    apiKey: (await admin(url, `/${accountId}/keys`, { name: 'faults', createsEmployees: true }))['secret'] as string,
  }
}

/** Asks again while something that it needs does not answer; the key makes repetitions harmless. */
async function admin(url: string, path: string, body: object): Promise<Record<string, unknown>> {
  const key = randomUUID()
  return until(async () => {
    const answer = await fetch(`${url}/admin/v1/accounts${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    })
    if (answer.ok) return (await answer.json()) as Record<string, unknown>
    const words = `POST ${path}: ${answer.status} ${await answer.text()}`
    if (answer.status !== 503) throw new Error(words)
    return undefined
  }, startsWithinMs)
}
