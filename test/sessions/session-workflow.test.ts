import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import { type SessionEnd, type SessionRun, sessionWorkflowId } from '../../credits/session/messages.ts'
import { minuteCharge } from '../../credits/session/minutes.ts'
import { shardOf } from '../../ledger/keys.ts'
import { AdapterRefused, AdapterUnavailable, type SessionAdapter } from '../../middleware/sessions/adapter.ts'
import { createSessions } from '../../middleware/sessions/sessions.ts'
import { until } from '../stack/until.ts'
import type { RunningWorker } from '../workflows/stand.ts'
import type { DyingWorker } from './dying-worker.ts'
import { openSessionStand, type SessionStand } from './session-stand.ts'

let stand: SessionStand
let worker: RunningWorker | undefined
beforeAll(async () => {
  stand = await openSessionStand()
})
afterEach(async () => {
  await worker?.stop()
  worker = undefined
})
afterAll(() => stand.close())

const work = async (...adapters: Parameters<SessionStand['activities']>) => {
  worker = await stand.temporal.startWorker(await stand.activities(...adapters))
}
const handleOf = ({ sessionId }: { readonly sessionId: string }) =>
  stand.temporal.client.workflow.getHandle(sessionWorkflowId(sessionId))
const resultOf = (start: { readonly sessionId: string }): Promise<unknown> => handleOf(start).result()

async function receiptsOf(accountId: string) {
  const all = await stand.given.ledger.receipts(shardOf(accountId), 1_000)
  return all.map(({ receipt }) => receipt).filter((receipt) => receipt.accountId === accountId)
}

test('a call begins once however often it is asked for, is billed by the second, and is noted when it is over', async () => {
  await work()
  const start = await stand.caller(100)
  const [first, again] = await Promise.all([stand.sessions.start(start), stand.sessions.start(start)])
  expect(first).toMatchObject({ ok: true, session: { state: 'live', kind: 'voice', employee: 'ada', credits: 0 } })
  expect(again).toEqual(first)
  await stand.talk(start, 65)
  expect(await stand.sessions.find(start)).toMatchObject({ state: 'live', ms: 65_000, credits: 3_250_000 })
  expect(await stand.sessions.end(start)).toMatchObject({ state: 'ended', endReason: 'requested' })
  expect(await resultOf(start)).toMatchObject({ id: start.sessionId, seconds: 65, charged: 3_250_000 })
  const ended = { state: 'ended', endReason: 'requested', credits: 3_250_000 }
  expect(await stand.sessions.find(start)).toMatchObject(ended)
  expect(await stand.sessions.start(start)).toMatchObject({ ok: true, session: ended })
  expect(await stand.sessions.list(start.accountId, { open: false, limit: 10 })).toMatchObject([ended])
  expect(await stand.sessions.open(start.accountId)).toEqual([])
  expect((await receiptsOf(start.accountId)).map(({ charged }) => charged)).toEqual([3_000_000, 250_000])
})

test('without enough for the first minute it is refused with the reason, nothing is left of it, and after a top-up the same start begins', async () => {
  await work()
  const start = await stand.caller(2)
  expect(await stand.sessions.start(start)).toMatchObject({
    ok: false,
    refusal: { code: 'insufficient_credits', needed: 3_000_000, available: 2_000_000 },
  })
  expect(await resultOf(start)).toMatchObject({ refused: { code: 'insufficient_credits' } })
  expect(await stand.sessions.find(start)).toBeNull()
  expect(await stand.given.ledger.read(start.accountId)).toMatchObject({ held: 0, spent: 0 })
  await stand.topUp(start.accountId, 50)
  expect(await stand.sessions.start(start)).toMatchObject({ ok: true, session: { state: 'live' } })
  await stand.sessions.end(start)
  await resultOf(start)
})

test.each([
  ['is not set up here', { adapter: 'livekit' }, undefined, 'adapter_not_configured'],
  ['does not answer', {}, new AdapterUnavailable('away'), 'adapter_unavailable'],
  ['never can', {}, new AdapterRefused('no such meeting'), 'adapter_refused'],
] as const)('what it would run on %s: refused, and its credits are free again', async (_, change, error, code) => {
  const broken: SessionAdapter = { begin: () => Promise.reject(error!), end: async () => undefined }
  await work({ browser: broken })
  const start = await stand.caller(100, change)
  expect(await stand.sessions.start(start)).toMatchObject({ ok: false, refusal: { code } })
  expect(await stand.given.ledger.read(start.accountId)).toMatchObject({ held: 0 })
  expect(await stand.sessions.find(start)).toBeNull()
})

test('how to take part is told at the start, and as long as it goes on', async () => {
  const join = { url: 'wss://media.example', token: 'for-the-user' }
  const begin = async () => ({ ref: 'room', platform: null, join })
  await work({ browser: { begin, end: async () => undefined } })
  const start = await stand.caller(100)
  expect(await stand.sessions.start(start)).toMatchObject({ ok: true, join })
  expect(await stand.sessions.join(start)).toEqual(join)
  await stand.sessions.end(start)
  await resultOf(start)
  expect(await stand.sessions.join(start)).toBeNull()
})

test('at zero whoever awaits it hears so', async () => {
  await work()
  const start = await stand.caller(4)
  await stand.sessions.start(start)
  await until(async () => (await stand.sessions.find(start))?.secondsLeft ?? undefined)
  await stand.talk(start, 60)
  expect(await resultOf(start)).toMatchObject({ endReason: 'credits', seconds: 60, charged: 3_000_000 })
})

test('a signal ends it where the ledger cannot be told, and a cancelled run ends it in good order', async () => {
  await work()
  for (const end of ['signal', 'cancel'] as const) {
    const start = await stand.caller(100)
    await stand.sessions.start(start)
    await stand.talk(start, 10)
    if (end === 'signal') await handleOf(start).signal('end')
    else await handleOf(start).cancel()
    expect(await resultOf(start)).toMatchObject({ endReason: 'requested', seconds: 10, charged: 500_000 })
  }
})

test('while nobody looks after a call that the ledger has lost, its signs of life and its end are heard all the same', async () => {
  await work()
  const start = await stand.caller(100)
  await stand.sessions.start(start)
  await stand.talk(start, 10)
  await worker!.stop()
  worker = undefined
  const { ledger, clock } = stand.given
  await ledger.session({ ...start, act: 'forget' })
  await clock.advance(5_000)
  expect(await stand.sessions.alive(start)).toMatchObject({ state: 'live', ms: 15_000 })
  expect((await ledger.session({ ...start, act: 'read' })).record).toMatchObject({ aliveAtMs: clock.nowMs() })
  await ledger.session({ ...start, act: 'forget' })
  await clock.advance(2_000)
  const ended = { state: 'ended', endReason: 'requested', ms: 17_000 }
  expect(await stand.sessions.end(start)).toMatchObject(ended)
  await ledger.session({ ...start, act: 'forget' })
  await clock.advance(5_000)
  expect(await stand.sessions.alive(start)).toMatchObject({ state: 'live' })
  await work()
  expect(await resultOf(start)).toMatchObject({ endReason: 'requested', seconds: 17, charged: 850_000 })
}, 60_000)

test('an end that meets a ledger which has lost the call reaches its workflow', async () => {
  await work()
  const start = await stand.caller(100)
  await stand.sessions.start(start)
  await stand.talk(start, 10)
  const { client, taskQueue } = stand.temporal
  const lost = createSessions({
    client,
    taskQueue,
    ledger: { ...stand.given.ledger, session: async () => ({ nowMs: stand.given.clock.nowMs(), record: null }) },
    catalogue: { ...stand.catalogue, sessions: { ...stand.catalogue.sessions, kinds: [] } },
    journal: stand.journal,
  })
  expect(await lost.end(start)).toMatchObject({ state: 'live' })
  expect(await resultOf(start)).toMatchObject({ endReason: 'requested', seconds: 10, charged: 500_000 })
}, 60_000)

test('one that is told to end by a worker that died is ended by the next', async () => {
  const own = await stand.activities()
  let deaths = 0
  const dead = Promise.withResolvers<never>()
  worker = await stand.temporal.startWorker({
    ...own,
    // Without a heartbeat: Temporal takes it for dead, and after the end was asked for it does not try again.
    attendSession: (call) => {
      deaths += 1
      return deaths === 1 ? dead.promise : own.attendSession(call)
    },
  })
  const start = await stand.caller(100)
  await stand.sessions.start(start)
  await until(async () => deaths === 1)
  await handleOf(start).signal('end')
  expect(await resultOf(start)).toMatchObject({ endReason: 'requested', seconds: 0, charged: 0 })
  dead.reject(new Error('it was dead all the time'))
}, 60_000)

test('a call goes from one activity to the next and from run to run without a seam', async () => {
  await work()
  const start = await stand.caller(100)
  const run: SessionRun = { start, sliceMs: 150, slicesPerRun: 2 }
  const handle = await stand.temporal.client.workflow.start('session', {
    workflowId: sessionWorkflowId(start.sessionId),
    taskQueue: stand.temporal.taskQueue,
    args: [run],
  })
  await until(async () => (await stand.sessions.find(start))?.state === 'live')
  for (let turns = 0; turns < 3; turns += 1) {
    const { runId } = await handleOf(start).describe()
    await stand.talk(start, 50)
    await until(async () => (await handleOf(start).describe()).runId !== runId)
  }
  await stand.sessions.end(start)
  expect(await handle.result()).toMatchObject({ seconds: 150, charged: 7_500_000 })
  expect((await receiptsOf(start.accountId)).map(({ charged }) => charged)).toEqual([3_000_000, 3_000_000, 1_500_000])
})

test('a worker that is killed right after a minute was settled is replaced, and no minute is charged twice', async () => {
  const start = await stand.caller(100)
  const { port } = stand.given.redis.options
  const parts: DyingWorker = {
    temporalAddress: inject('temporalAddress'),
    redisUrl: `redis://127.0.0.1:${port}`,
    ledgerClock: `local function nowMs() return tonumber(redis.call('GET', 'test:clock')) end`,
    databaseUrl: inject('databaseUrl'),
    workflowBundlePath: inject('workflowBundlePath'),
    taskQueue: stand.temporal.taskQueue,
    outboxFolder: mkdtempSync(join(tmpdir(), 'tollgate-dying-')),
  }
  const file = fileURLToPath(new URL('./dying-worker.ts', import.meta.url))
  const dying = spawn(process.execPath, [file, JSON.stringify(parts)], { stdio: 'inherit' })
  const dead = once(dying, 'exit')
  onTestFinished(() => void dying.kill('SIGKILL'))
  // It takes its time to come up, and the same start may be made again.
  const begun = await until(() => stand.sessions.start(start).catch(() => undefined), 60_000)
  if (!begun.ok) throw new Error(begun.refusal.code)
  const { session } = begun
  await stand.talk(start, 65)
  await dead
  await work()
  await stand.talk(start, 65)
  await stand.sessions.end(start)
  expect((await resultOf(start)) as SessionEnd).toMatchObject({ seconds: 130, charged: 6_500_000 })
  const receipts = await receiptsOf(start.accountId)
  const ids = [0, 1, 2].map((minute) => minuteCharge({ ...start, startedAtMs: session.startedAtMs }, minute))
  expect(receipts.map(({ id, charged }) => [id, charged])).toEqual([
    [ids[0], 3_000_000],
    [ids[1], 3_000_000],
    [ids[2], 500_000],
  ])
  const { historyLength } = await handleOf(start).describe()
  expect(historyLength).toBeLessThan(40)
}, 90_000)

test('a start that is tried again once it was let in sets no second minute aside', async () => {
  const { openSession } = await stand.activities({
    browser: {
      begin: async ({ sessionId }) => ({ ref: sessionId, platform: null, waits: true, join: null }),
      end: async () => undefined,
    },
  })
  const start = await stand.caller(3)
  expect(await openSession(start)).toMatchObject({ ok: true })
  const { clock, ledger } = stand.given
  await clock.advance(5_000)
  await ledger.session({ ...start, act: 'admit' })
  expect(await openSession(start)).toMatchObject({ ok: true, progress: { startedAtMs: clock.nowMs() } })
  expect(await ledger.read(start.accountId)).toMatchObject({ held: 3_000_000 })
})
