import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { type Charging, openCharging } from '../temporal-plugin/charging.ts'
import { addOptionalPeers, codeSubpaths, emptyProject, pack, programOf, run } from './empty-project.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-package-'))
const project = join(folder, 'customer')

let tarball: string
let redis: RunningRedis
let charging: Charging

// A Redis of its own: a worker of another test on the run's would take the receipts away.
beforeAll(async () => {
  ;[tarball, redis] = await Promise.all([pack(folder), startRedis()])
  charging = await openCharging(redis.url)
  await emptyProject(project, tarball)
}, 180_000)
afterAll(async () => {
  await charging?.close()
  await redis?.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('publint finds nothing in what is packed', async () => {
  expect(await run(folder, programOf('publint'), 'run', tarball, '--strict')).toContain('All good!')
}, 120_000)

test('the types of every subpath resolve for ES modules', async () => {
  const checked = await run(
    folder,
    programOf('attw'),
    tarball,
    '--profile',
    'esm-only',
    '--exclude-entrypoints',
    'catalogue.yaml',
    '--format',
    'json',
  )
  const { analysis } = JSON.parse(checked) as { analysis: { entrypoints: object } }
  expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining(codeSubpaths()))
}, 120_000)

test('a project that has nothing but the package type-checks, and bills a workflow', async () => {
  await run(project, programOf('tsc'), '--project', project)
  const account = await charging.openAccount(10)
  const printed = await run(
    project,
    process.execPath,
    'main.ts',
    redis.url,
    inject('databaseUrl'),
    inject('temporalAddress'),
    account,
  )
  expect(JSON.parse(printed)).toEqual({ results: ['bo sent invoice 17', 'bo sent invoice 17'], events: [] })
  const charged = (await charging.receipts(account)).map(({ row, charged }) => ({ row, charged }))
  const once = [
    { row: 'tool_calls|||mail|bo|', charged: 50_000 },
    { row: 'tasks_completed||||bo|', charged: 250_000 },
  ]
  expect(charged).toEqual(expect.arrayContaining(once))
  expect(charged.filter(({ row }) => !row.startsWith('compute_runtime'))).toHaveLength(4)
  expect(charged.filter(({ row }) => row.startsWith('compute_runtime'))).toHaveLength(2)
}, 180_000)

test('with the clients that it can work with, every subpath can be imported', async () => {
  addOptionalPeers(project)
  const imports = codeSubpaths().map((subpath) => `import '${join('tollgate', subpath)}'`)
  await expect(run(project, process.execPath, '--input-type=module', '--eval', imports.join('\n'))).resolves.toBe('')
}, 120_000)
