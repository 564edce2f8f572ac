import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Client } from '@temporalio/client'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import type { SessionName } from '../../ledger/ledger.ts'
import { shardOf } from '../../ledger/keys.ts'
import { withAttribution } from '../../middleware/temporal/attribution.ts'
import { TollgatePlugin } from '../../middleware/temporal/plugin.ts'
import { catalogue, type Charging, openCharging } from '../temporal-plugin/charging.ts'
import { until } from '../stack/until.ts'
import { openSessionStand, type SessionStand } from './session-stand.ts'

let stand: SessionStand
let charging: Charging
let client: Client
let native: NativeConnection
let stopWorker: () => Promise<void>
const taskQueue = `company-${randomUUID()}`

beforeAll(async () => {
  stand = await openSessionStand()
  await stand.temporal.startWorker(await stand.activities())
  charging = await openCharging(inject('redisUrl'))
  const plugin = new TollgatePlugin({ charges: charging.charges, catalogue })
  client = new Client({ connection: stand.temporal.client.connection, plugins: [plugin] })
  native = await NativeConnection.connect({ address: inject('temporalAddress') })
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
      plugins: [plugin],
      logger: new DefaultLogger('ERROR'),
    }),
    plugins: [plugin],
  })
  const run = worker.run()
  stopWorker = async () => {
    worker.shutdown()
    await run
  }
})
afterAll(async () => {
  await stopWorker()
  await native.close()
  await charging.close()
  await stand.close()
})

/** A company's workflow, in the name of Ada, who answers a message. */
function run(account: string, type: string, ...args: readonly unknown[]) {
  return withAttribution({ account, employee: 'ada', message: 'message-1' }, () =>
    client.workflow.start(type, { workflowId: randomUUID(), taskQueue, args: [...args] }),
  )
}
const onOurs = () => ({ adapter: 'browser', taskQueue: stand.temporal.taskQueue })
const isLive = (name: SessionName) => until(async () => (await stand.sessions.find(name))?.state === 'live')

test('a workflow awaits a call; it is billed to the run’s account, employee and message', async () => {
  const caller = await stand.caller(100)
  const { accountId, sessionId } = caller
  const handle = await run(accountId, 'calls', { ...onOurs(), id: sessionId })
  await isLive(caller)
  await stand.talk(caller, 20)
  await stand.sessions.end(caller)
  expect(await handle.result()).toMatchObject({
    id: sessionId,
    kind: 'voice',
    endReason: 'requested',
    seconds: 20,
    charged: 1_000_000,
  })
  const [receipt] = (await stand.given.ledger.receipts(shardOf(accountId), 100))
    .map((entry) => entry.receipt)
    .filter((each) => each.accountId === accountId)
  expect(receipt).toMatchObject({ row: 'voice_calls|||voice|ada|', detail: { messageId: 'message-1' } })
})

test('at zero the workflow hears so, and after a top-up it calls again', async () => {
  const caller = await stand.caller(3)
  const ids = [caller.sessionId, randomUUID(), randomUUID()] as const
  const handle = await run(caller.accountId, 'keepsCalling', ids, onOurs())
  await isLive(caller)
  await stand.talk(caller, 60)
  await until(async () => (await stand.sessions.find(caller))?.state === 'ended')
  await handle.signal('again')
  await until(
    async () =>
      (
        await stand.temporal.client.workflow
          .getHandle(`session/${ids[1]}`)
          .describe()
          .catch(() => undefined)
      )?.status.name === 'COMPLETED',
  )
  await stand.topUp(caller.accountId, 50)
  await handle.signal('again')
  const last = { ...caller, sessionId: ids[2] }
  await isLive(last)
  await stand.sessions.end(last)
  expect(await handle.result()).toMatchObject([
    { endReason: 'credits', seconds: 60, charged: 3_000_000 },
    { refused: { code: 'credits_depleted' } },
    { endReason: 'requested' },
  ])
})

test('a meeting in the name of another employee of the run, which is cancelled meanwhile', async () => {
  const caller = await stand.caller(100)
  const handle = await run(caller.accountId, 'attendsForBo', 'https://meet.example/abc', {
    ...onOurs(),
    id: caller.sessionId,
  })
  await isLive(caller)
  expect(await stand.sessions.find(caller)).toMatchObject({ kind: 'meeting', employee: 'bo', organization: 'lab' })
  await stand.talk({ ...caller, kind: 'meeting' }, 20)
  await handle.cancel()
  expect(await handle.result()).toMatchObject({ endReason: 'requested', seconds: 20, charged: 500_000 })
})

test('a run in nobody’s name is refused', async () => {
  const { sessionId } = await stand.caller(0)
  const handle = await client.workflow.start('calls', {
    workflowId: randomUUID(),
    taskQueue,
    args: [{ ...onOurs(), id: sessionId }],
  })
  expect(await handle.result()).toMatchObject({ refused: { code: 'account_unknown' } })
})
