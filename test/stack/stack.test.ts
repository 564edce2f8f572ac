import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, Connection } from '@temporalio/client'
import { Redis } from 'ioredis'
import { Client as PostgresClient } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { freePort } from '../../bin/stack/free-port.ts'
import { startRedis } from '../../bin/stack/redis.ts'
import { startTemporal } from '../../bin/stack/temporal.ts'
import { startTimeSkipping } from './time-skipping.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-stack-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the stack of a test run', () => {
  test('Redis answers and never evicts', async () => {
    const redis = new Redis(inject('redisUrl'))
    expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction'])
    expect(await redis.config('GET', 'save')).toEqual(['save', ''])
    await redis.quit()
  })

  test('Temporal answers', async () => {
    const connection = await Connection.connect({ address: inject('temporalAddress') })
    const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'default' })
    expect(namespaceInfo?.name).toBe('default')
    await connection.close()
  })

  test('PostgreSQL answers', async () => {
    const client = new PostgresClient({ connectionString: inject('databaseUrl') })
    await client.connect()
    expect((await client.query('select current_database() as name')).rows).toEqual([{ name: 'tollgate' }])
    await client.end()
  })
})

describe('a Redis of its own', () => {
  test('what is in the append-only file survives a kill', async () => {
    const dir = join(folder, 'redis')
    const first = await startRedis({ dir, appendonly: 'always' })
    const writer = new Redis(first.url)
    await writer.set('kept', 'yes')
    writer.disconnect()
    await first.kill()

    const second = await startRedis({ dir, port: first.port, appendonly: 'always' })
    const reader = new Redis(second.url)
    expect(await reader.get('kept')).toBe('yes')
    reader.disconnect()
    await second.stop()
  })

  test('a stopped one is gone', async () => {
    const redis = await startRedis()
    await redis.stop()
    expect(isAlive(redis.pid)).toBe(false)
  })

  test('is not mistaken for another one on its port', async () => {
    const { port, stop } = await startRedis()
    await expect(startRedis({ port })).rejects.toThrow(`port ${port} is taken`)
    await stop()
  })

  test('one that cannot start says why', async () => {
    const dir = join(folder, 'unreadable')
    mkdirSync(join(dir, 'appendonlydir'), { recursive: true })
    writeFileSync(join(dir, 'appendonlydir', 'appendonly.aof.manifest'), 'not a manifest')
    await expect(startRedis({ dir, appendonly: 'always' })).rejects.toThrow(/manifest/)
  })
})

describe('a Temporal of its own', () => {
  test('its SQLite file survives a kill, search attributes included', async () => {
    const options = {
      dbFilename: join(folder, 'temporal', 'file.db'),
      searchAttributes: { tollgateAccount: 'Keyword' },
    } as const
    const workflowId = `w-${randomUUID()}`
    const first = await startTemporal(options)
    await withClient(first.address, (client) =>
      client.workflow.start('unknown', {
        taskQueue: 'nobody',
        workflowId,
        searchAttributes: { tollgateAccount: ['a-1'] },
      }),
    )
    await first.kill()

    const second = await startTemporal({ ...options, port: first.port })
    await withClient(second.address, async (client) => {
      const description = await client.workflow.getHandle(workflowId).describe()
      expect(description.status.name).toBe('RUNNING')
      expect(description.searchAttributes).toMatchObject({ tollgateAccount: ['a-1'] })
    })
    await second.stop()
    expect(isAlive(second.pid)).toBe(false)
  })

  test('serves its web pages where it is told to', async () => {
    const temporal = await startTemporal({ uiPort: await freePort() })
    const page = await fetch(temporal.uiUrl ?? '')
    expect(await page.text()).toContain('<html')
    await temporal.stop()
  })
})

test('the time-skipping server jumps over a day', async () => {
  const environment = await startTimeSkipping()
  const beforeMs = await environment.currentTimeMs()
  await environment.sleep('1 day')
  expect((await environment.currentTimeMs()) - beforeMs).toBeGreaterThanOrEqual(86_400_000)
  await environment.teardown()
})

test('a wanted port that is taken moves to a free one', async () => {
  const server = createServer()
  const taken = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  const port = await freePort(taken)
  expect(port).not.toBe(taken)
  await new Promise((resolve) => server.close(resolve))
  expect(await freePort(taken)).toBe(taken)
})

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address })
  try {
    return await use(new Client({ connection }))
  } finally {
    await connection.close()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
