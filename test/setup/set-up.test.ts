import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A checkout, a cache and a PATH of their own, with nothing on it but what a test puts there. */
let checkout: string
let cache: string
let path: string
beforeEach(() => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tollgate-set-up-')))
  checkout = join(folder, 'checkout')
  cache = join(folder, 'cache')
  path = join(folder, 'path')
  for (const place of [cache, path]) mkdirSync(place, { recursive: true })
  for (const part of ['bin/setup.mjs', 'bin/setup', 'package.json', 'package-lock.json']) {
    cpSync(join(root, part), join(checkout, part), { recursive: true })
  }
  symlinkSync(process.execPath, join(path, 'node'))
  program(
    'npm',
    `mkdir -p node_modules/.bin && touch node_modules/.bin/node && echo "$@" >> ${join(folder, 'npm-calls')}`,
  )
  for (const tool of ['mkdir', 'touch', 'sh']) symlinkSync(`/bin/${tool}`, join(path, tool))
})
afterEach(() => rmSync(join(checkout, '..'), { recursive: true, force: true }))

test('a binary on PATH is used, and noted for the stack', async () => {
  program('redis-server')
  program('temporal')
  expect(await setUp('start')).toMatchObject({ code: 0 })
  expect(notedParts()).toEqual({ REDIS_SERVER: join(path, 'redis-server'), TEMPORAL_CLI: join(path, 'temporal') })
})

test('a path in the environment goes before PATH', async () => {
  program('redis-server')
  program('temporal')
  program('my-redis')
  await setUp('start', { REDIS_SERVER: join(path, 'my-redis') })
  expect(notedParts()).toMatchObject({ REDIS_SERVER: join(path, 'my-redis') })
})

test('PATH goes before the cache, and the cache before any download', async () => {
  program('redis-server')
  mkdirSync(join(cache, 'tollgate/temporal/1.5.1'), { recursive: true })
  cpSync(join(path, 'redis-server'), join(cache, 'tollgate/temporal/1.5.1/temporal'))
  expect(await setUp('start')).toMatchObject({ code: 0 })
  expect(notedParts()).toMatchObject({ TEMPORAL_CLI: join(cache, 'tollgate/temporal/1.5.1/temporal') })
  program('temporal')
  await setUp('start')
  expect(notedParts()).toMatchObject({ TEMPORAL_CLI: join(path, 'temporal') })
})

test('an address in the environment makes a part unnecessary', async () => {
  const { code } = await setUp('start', { REDIS_URL: 'redis://127.0.0.1:6379', TEMPORAL_ADDRESS: '127.0.0.1:7233' })
  expect(code).toBe(0)
  expect(notedParts()).toEqual({})
})

test('a path that names no program is refused with the name of the variable', async () => {
  const { code, printed } = await setUp('start', { REDIS_SERVER: '/nowhere/redis-server' })
  expect(code).toBe(1)
  expect(printed).toContain('REDIS_SERVER names /nowhere/redis-server')
})

test('a part that cannot be had fails with the command that would help', async () => {
  program('temporal')
  const { code, printed } = await setUp('start')
  expect(code).toBe(1)
  expect(printed).toContain('Redis could not be set up')
  expect(printed).toMatch(/This would help:\n {2}(sudo apt-get install -y redis-server|brew install redis)/)
})

test('npm packages are installed when the lock file has changed, and only then', async () => {
  program('redis-server')
  program('temporal')
  await setUp('start')
  const { printed } = await setUp('start')
  expect(printed.trim().split('\n')).toEqual([expect.stringContaining('everything is here')])
  expect(npmCalls()).toBe(1)
  writeFileSync(join(checkout, 'package-lock.json'), '{}')
  await setUp('start')
  expect(npmCalls()).toBe(2)
  const stamp = readFileSync(join(checkout, 'node_modules/.tollgate-lock'), 'utf8')
  expect(stamp).toBe(createHash('sha256').update('{}').digest('hex'))
})

test('a failed install is tried again next time', async () => {
  program('redis-server')
  program('temporal')
  program('npm', 'echo "registry is down" >&2; exit 1')
  const { code, printed } = await setUp('start')
  expect(code).toBe(1)
  expect(printed).toContain('registry is down')
  expect(printed).toContain('npm ci')
  expect((await setUp('start')).code).toBe(1)
})

function program(name: string, script = 'exit 0'): void {
  rmSync(join(path, name), { force: true })
  writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`)
  chmodSync(join(path, name), 0o755)
}

function setUp(purpose: string, env: Record<string, string> = {}): Promise<{ code: number | null; printed: string }> {
  const child = spawn(process.execPath, [join(checkout, 'bin/setup.mjs'), purpose], {
    env: { PATH: path, XDG_CACHE_HOME: cache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, printed })))
}

function notedParts(): unknown {
  return JSON.parse(readFileSync(join(checkout, '.tollgate/parts.json'), 'utf8'))
}

function npmCalls(): number {
  return readFileSync(join(checkout, '../npm-calls'), 'utf8').trim().split('\n').length
}
