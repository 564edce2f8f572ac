import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { ownDatabase } from './own-database.ts'
import { runProgram } from './processes.ts'

test('the tokenizer is loaded before the gateway serves: no caller who hangs up makes all others wait for it', async () => {
  const program = runProgram('bin/gateway.ts', {
    REDIS_URL: inject('redisUrl'),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    DATABASE_URL: await ownDatabase(),
    ADMIN_KEY: 'an-operators-key-for-tests',
    TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
    PORT: '0',
    NODE_OPTIONS: `--import ${fileURLToPath(new URL('tell-tokenizer.ts', import.meta.url))}`,
  })
  await program.printed(/gateway is ready/)
  expect(program.output()).toMatch(/the tokenizer is loaded[^]*gateway is ready/)
  program.signal('SIGTERM')
  expect(await program.ended).toBe(0)
})
