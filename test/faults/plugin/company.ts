import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client, Connection, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import type { Workflow } from '@temporalio/common'
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker'
import { Redis } from 'ioredis'
import { type Child, startChild } from '../../../bin/stack/child.ts'
import { freePort } from '../../../bin/stack/free-port.ts'
import { parseWaiter } from '../../../credits/parked-run.ts'
import { accountKeys } from '../../../ledger/keys.ts'
import { withAttribution } from '../../../middleware/temporal/attribution.ts'
import { TollgatePlugin } from '../../../middleware/temporal/plugin.ts'
import type { Seeded } from '../seeded.ts'
import type { Stand } from '../stand.ts'
import { catalogueIn } from './catalogue.ts'
import type { CompanyWorker } from './company-worker.ts'
import { type Attempt, attemptsIn, type Note, notesIn } from './notes.ts'

export interface CompanyOptions {
  readonly workers: number
  /** Of the meters of its workers. */
  readonly leaseMs: number
  readonly say?: (line: string) => void
}

/** A customer's workers, several processes on one outbox folder, beside a stand. */
export interface Company {
  start<W extends Workflow>(
    account: string,
    workflow: W,
    args: Parameters<W>,
  ): Promise<WorkflowHandleWithFirstExecutionRunId<W>>
  /** The workflow ids of an account's runs that wait for credits. */
  parkedRuns(account: string): Promise<readonly string[]>
  /** What the activities have said of themselves so far. */
  notes(): readonly Note[]
  attempts(): readonly Attempt[]
  /** `kill -9` of one that is up, which is started again at once. False when none is up. */
  killOne(seed: Seeded): Promise<boolean>
  /** Ends the workers in good order, once what the killed ones left in the outbox was sent. */
  retire(): Promise<void>
  close(): Promise<void>
}

export async function openCompany(
  stand: Stand,
  { workers, leaseMs, say = () => undefined }: CompanyOptions,
): Promise<Company> {
  const folder = join(stand.folder, `company-${randomUUID()}`)
  const notesFolder = join(folder, 'notes')
  mkdirSync(notesFolder, { recursive: true })
  const catalogue = catalogueIn(stand.catalogueFile)
  const plugin = new TollgatePlugin({ catalogue })
  const bundlePath = join(folder, 'workflows.js')
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
    plugins: [plugin],
    logger: new DefaultLogger('ERROR'),
  })
  writeFileSync(bundlePath, code)
  const taskQueue = `company-${randomUUID()}`
  const options: CompanyWorker = {
    temporalAddress: stand.temporalAddress,
    redisUrl: stand.redisUrl,
    databaseUrl: stand.databaseUrl,
    catalogueFile: stand.catalogueFile,
    outboxFolder: join(folder, 'outbox'),
    notesFolder,
    taskQueue,
    bundlePath,
    holdMs: stand.holdMs,
    leaseMs,
  }
  const optionsFile = join(folder, 'worker.json')
  writeFileSync(optionsFile, JSON.stringify(options))
  const connection = await Connection.connect({ address: stand.temporalAddress })
  const redis = new Redis(stand.redisUrl, { protocol: 2 })
  const client = new Client({ connection, plugins: [plugin] })
  const up = new Set<Child>()
  const starting = new Set<Promise<void>>()
  let closing = false

  async function startWorker(): Promise<void> {
    const port = await freePort()
    const child = await startChild({
      command: process.execPath,
      args: [fileURLToPath(new URL('./company-worker.ts', import.meta.url)), optionsFile, String(port)],
      port,
      // One that starts again and again need not be compiled each time
      env: { NODE_COMPILE_CACHE: join(folder, 'compile-cache') },
      readyWithinMs: 120_000,
      isReady: async () => (await fetch(`http://127.0.0.1:${port}`)).ok,
    })
    up.add(child)
  }

  /** Again and again, as a supervisor would. */
  function start(): void {
    const work = (async () => {
      while (!closing) {
        try {
          return await startWorker()
        } catch (error) {
          say(`a worker of the company did not start: ${String(error)}`)
          await pause(500)
        }
      }
    })().finally(() => starting.delete(work))
    starting.add(work)
  }

  for (let worker = 0; worker < workers; worker += 1) start()
  await Promise.all(starting)
  return {
    start: (account, workflow, args) =>
      withAttribution({ account, employee: 'ada', organization: 'lab' }, () =>
        client.workflow.start(workflow, {
          taskQueue,
          workflowId: randomUUID(),
          workflowTaskTimeout: '2 seconds',
          args,
        } as never),
      ),
    parkedRuns: async (account) =>
      (await redis.zrange(accountKeys(account).waiters, '0', '-1')).map((waiter) => parseWaiter(waiter)!.workflowId),
    notes: () => [...notesIn(notesFolder).values()].flat(),
    attempts: () => attemptsIn(notesFolder),
    async killOne(seed) {
      if (up.size === 0) return false
      const victim = seed.pick([...up])
      up.delete(victim)
      await victim.kill()
      start()
      return true
    },
    async retire() {
      await Promise.all(starting)
      // Who comes up takes over what those before it left
      await startWorker()
      await stopAll()
    },
    async close() {
      closing = true
      await Promise.all(starting)
      await stopAll()
      redis.disconnect()
      await connection.close()
    },
  }

  async function stopAll(): Promise<void> {
    const all = [...up]
    up.clear()
    await Promise.all(all.map((child) => child.stop()))
  }
}
