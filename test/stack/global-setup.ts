import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { startPostgres } from './postgres.ts'
import { bundleWorkflows } from './workflow-bundle.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    temporalAddress: string
    databaseUrl: string
    workflowBundlePath: string
  }
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One Redis, one Temporal, one PostgreSQL and one build of the web app for the whole run; tests keep apart by unique ids. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-test-'))
  const [redis, temporal, postgres, workflowBundlePath] = await Promise.all([
    startRedis(),
    startTemporal(),
    startPostgres(),
    bundleWorkflows(folder),
    promisify(execFile)(process.execPath, ['bin/build-web.ts'], { cwd: root }),
  ])
  project.provide('redisUrl', redis.url)
  project.provide('temporalAddress', temporal.address)
  project.provide('databaseUrl', postgres.url)
  project.provide('workflowBundlePath', workflowBundlePath)
  return async () => {
    await Promise.all([redis.stop(), temporal.stop(), postgres.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}
