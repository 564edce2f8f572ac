import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dispose, Room, RoomEvent } from '@livekit/rtc-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bin/stack/free-port.ts'
import { type RunningRedis, startRedis } from '../../bin/stack/redis.ts'
import { type RunningTemporal, startTemporal } from '../../bin/stack/temporal.ts'
import { type RunningLiveKit, startLiveKit } from '../stack/livekit.ts'
import { until } from '../stack/until.ts'
import { ownDatabase } from './own-database.ts'
import { type Program, runProgram } from './processes.ts'

const adminKey = 'an-operators-key-for-tests'
const folder = mkdtempSync(join(tmpdir(), 'tollgate-livekit-'))
const silentAfterSeconds = 8

interface Session {
  readonly id: string
  readonly state: string
  readonly adapter: string
  readonly endReason: string | null
  readonly seconds: number
  readonly credits: number
  readonly startedAt: string
  readonly join: { readonly url: string; readonly token: string } | null
}

let redis: RunningRedis
let temporal: RunningTemporal
let livekit: RunningLiveKit
let programs: Program[]
let url: string
let apiKey: string
const inside: Room[] = []

beforeAll(async () => {
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  ;[redis, temporal, livekit] = await Promise.all([
    startRedis(),
    startTemporal({}),
    startLiveKit({ webhookUrl: `${url}/webhooks/livekit` }),
  ])
  const catalogue = join(folder, 'catalogue.yaml')
  const text = readFileSync(fileURLToPath(new URL('../../catalogue.yaml', import.meta.url)), 'utf8')
  writeFileSync(catalogue, text.replace(/silentAfterSeconds: \d+/, `silentAfterSeconds: ${silentAfterSeconds}`))
  const environment = {
    REDIS_URL: redis.url,
    TEMPORAL_ADDRESS: temporal.address,
    DATABASE_URL: await ownDatabase(),
    ADMIN_KEY: adminKey,
    TOKEN_SECRET: 'a-secret-that-is-long-enough-to-be-one',
    PORT: String(port),
    WORKER_PORT: '0',
    CATALOGUE: catalogue,
    DATA_DIR: join(folder, 'data'),
    LIVEKIT_URL: livekit.url,
    LIVEKIT_API_KEY: livekit.apiKey,
    LIVEKIT_API_SECRET: livekit.apiSecret,
  }
  programs = [runProgram('bin/worker.ts', environment), runProgram('bin/gateway.ts', environment)]
  await Promise.all([programs[0]!.printed(/worker is ready/), programs[1]!.printed(/gateway is ready/)])
  await ask('POST', '/admin/v1/accounts', adminKey, { userId: 'bob', email: 'bob@example.com', timeZone: 'UTC' })
  const made = await ask('POST', '/admin/v1/accounts/bob/keys', adminKey, { name: 'test', createsEmployees: true })
  apiKey = (made as unknown as { secret: string }).secret
  const employee = await ask('POST', '/credits/v1/employees', apiKey, { id: 'ada', name: 'Ada' })
  if (employee.id !== 'ada') throw new Error(JSON.stringify(employee))
}, 120_000)

afterAll(async () => {
  for (const room of inside) await room.disconnect()
  await dispose()
  for (const program of programs) program.signal('SIGTERM')
  await Promise.all(programs.map(({ ended }) => ended))
  await Promise.all([livekit.stop(), redis.stop(), temporal.stop()])
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

test('a call by the API: its user joins by the token, and is out when the call is ended', async () => {
  const call = await begin()
  expect(call).toMatchObject({ state: 'live', adapter: 'livekit', join: { url: livekit.url } })
  const again = await ask('GET', `/credits/v1/sessions/${call.id}/join`, apiKey)
  expect(again.join?.url).toBe(livekit.url)
  const room = await enter({ ...call, join: again.join })
  const disconnected = new Promise((resolve) => room.once(RoomEvent.Disconnected, resolve))
  await ask('POST', `/credits/v1/sessions/${call.id}/end`, apiKey)
  await disconnected
  const ended = await over(call)
  expect(ended).toMatchObject({ endReason: 'requested', credits: ended.seconds * 50_000 })
})

test('a call whose user leaves is over', async () => {
  const call = await begin()
  const room = await enter(call)
  await room.disconnect()
  expect(await over(call)).toMatchObject({ endReason: 'left' })
})

test('the media server dies: the call ends, billed to when somebody was last seen, and the next one goes through', async () => {
  const call = await begin()
  await enter(call)
  const diedAtMs = Date.now()
  const startedAtMs = Date.parse(call.startedAt)
  await livekit.kill()
  const ended = await over(call)
  expect(ended).toMatchObject({ endReason: 'connection_lost', credits: ended.seconds * 50_000 })
  expect(ended.seconds).toBeLessThanOrEqual(Math.ceil((diedAtMs - startedAtMs) / 1_000) + 1)
  const refused = await ask('POST', '/credits/v1/sessions', apiKey, { kind: 'voice', employee: 'ada' })
  expect(refused).toMatchObject({ error: { code: 'adapter_unavailable' } })
  livekit = await startLiveKit({ webhookUrl: `${url}/webhooks/livekit`, port: livekit.port })
  const next = await begin()
  await (await enter(next)).disconnect()
  expect(await over(next)).toMatchObject({ endReason: 'left' })
}, 120_000)

async function ask(method: string, path: string, key: string, body?: object): Promise<Session> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Session
}

async function begin(): Promise<Session> {
  const begun = await ask('POST', '/credits/v1/sessions', apiKey, { kind: 'voice', employee: 'ada' })
  if (begun.id === undefined) throw new Error(JSON.stringify(begun))
  return begun
}

async function enter({ join: way }: Session): Promise<Room> {
  const room = new Room()
  await room.connect(way!.url, way!.token, { autoSubscribe: false, dynacast: false })
  inside.push(room)
  return room
}

function over({ id }: Session): Promise<Session> {
  return until(async () => {
    const found = await ask('GET', `/credits/v1/sessions/${id}`, apiKey)
    return found.state === 'ended' ? found : undefined
  }, 60_000)
}
