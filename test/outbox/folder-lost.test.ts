import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, inject, it } from 'vitest'
import { runProgram } from '../e2e/processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-folder-lost-'))
const gateway = runProgram('bin/gateway.ts', {
  REDIS_URL: inject('redisUrl'),
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  DATABASE_URL: inject('databaseUrl'),
  ADMIN_KEY: 'an-operators-key-for-tests',
  TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
  OUTBOX_DIR: folder,
  PORT: '0',
})
afterAll(async () => {
  gateway.signal('SIGKILL')
  await gateway.ended
  rmSync(folder, { recursive: true, force: true })
})

it('a gateway whose outbox was taken over while it slept ends by itself, to be started anew', async () => {
  await gateway.printed(/gateway is ready/)
  // The first thing that another gateway does to a folder that it takes over.
  rmSync(join(folder, readdirSync(folder)[0]!, 'owner'))
  expect(await gateway.ended).toBe(1)
  expect(gateway.output()).toContain('"code":"folder_lost"')
})
