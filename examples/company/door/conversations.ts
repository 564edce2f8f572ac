import { WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client'
import { type Context, Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { z } from 'zod'
import { parkedQuery, type ParkedStep, withAttribution } from '../../../package/temporal.ts'
import { answerIdOf, answerWorkflowId, conversationWorkflowId, idPattern, taskQueue } from '../names.ts'
import type { conversation } from '../workflows/conversation.ts'
import { ask, decide, look, stop } from '../workflows/messages.ts'
import type { DoorDeps, SignedIn } from './deps.ts'
import { DoorError } from './door-error.ts'
import { isDepleted } from './sign-in.ts'

const id = z.string().regex(idPattern)
const question = z.strictObject({
  /** Made up by the client: the same one again sends nothing more. */
  id,
  employee: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/),
  text: z.string().min(1).max(8_000),
})
const decision = z.strictObject({ approved: z.boolean() })

/** Less than a proxy's patience with a silent connection. */
const aliveEveryMs = 10_000

export function conversations({ client, events, images, gatewayUrl }: DoorDeps): Hono<SignedIn> {
  const routes = new Hono<SignedIn>()
  const named = (context: Context<SignedIn>) => {
    const parsed = id.safeParse(context.req.param('id'))
    if (!parsed.success) throw new DoorError(400, 'invalid_request', `a conversation's id matches ${idPattern}`)
    return { account: context.get('account'), conversation: parsed.data }
  }
  /** What an answer waits for, where it is parked. */
  const waiting = async (account: string, answer: string): Promise<Partial<ParkedStep>> => {
    const handle = client.workflow.getHandle(answerWorkflowId(account, answer))
    const steps = await handle.query<ParkedStep[]>(parkedQuery).catch(() => [])
    return steps[0] ?? {}
  }
  const handleOf = ({ account, conversation: name }: ReturnType<typeof named>) =>
    client.workflow.getHandle<typeof conversation>(conversationWorkflowId(account, name))

  /** Starts the conversation with its first message. Nothing is begun at zero: what is under way parks, but who asks now is told now. */
  routes.post('/:id/messages', async (context) => {
    const { account, conversation: name } = named(context)
    const asked = question.parse(await context.req.json())
    if (await isDepleted(gatewayUrl, context.req.header('authorization')!)) {
      const view = await handleOf({ account, conversation: name }).query(look).catch(unlessUnknown)
      // What was taken before is answered as it was then
      if (view?.messages.some((message) => message.id === asked.id) !== true)
        throw new DoorError(402, 'credits_depleted', 'no credits are left: the message was not taken')
    }
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof conversation>('conversation', {
      taskQueue,
      workflowId: conversationWorkflowId(account, name),
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ account, conversation: name }],
    })
    const answer = await withAttribution({ account }, () =>
      client.workflow.executeUpdateWithStart(ask, { startWorkflowOperation, args: [asked] }),
    )
    return context.json({ answer }, 202)
  })

  routes.get('/:id', async (context) => {
    const of = named(context)
    const view = await handleOf(of).query(look).catch(unlessUnknown)
    const messages = await Promise.all(
      (view?.messages ?? []).map(async (message) =>
        message.state === 'working' ? { ...message, ...(await waiting(of.account, message.id)) } : message,
      ),
    )
    return context.json({ id: of.conversation, messages })
  })

  routes.get('/:id/events', (context) => {
    const { account, conversation: name } = named(context)
    const after = context.req.header('last-event-id')
    if (after !== undefined && !/^\d{1,15}-\d{1,15}$/.test(after))
      throw new DoorError(400, 'invalid_request', 'Last-Event-ID is the id of an event')
    context.header('x-accel-buffering', 'no')
    return streamSSE(context, async (stream) => {
      const gone = new AbortController()
      stream.onAbort(() => gone.abort())
      const alive = setInterval(() => void stream.write(': alive\n\n'), aliveEveryMs)
      try {
        for await (const logged of events.read(account, name, after, gone.signal)) {
          await stream.writeSSE({ id: logged.id, event: logged.event.kind, data: JSON.stringify(logged.event) })
        }
      } finally {
        clearInterval(alive)
      }
    })
  })

  /** Answers with the message as it was kept; null where nothing was under way. */
  routes.post('/:id/stop', async (context) => {
    const of = named(context)
    const answer = (await handleOf(of).executeUpdate(stop).catch(unlessUnknown)) ?? null
    if (answer?.state === 'stopped') {
      await events.writer(of.account, of.conversation).write({ kind: 'ended', answer: answer.id, state: 'stopped' })
    }
    return context.json({ answer })
  })

  /** Of the message that the person sent. */
  routes.post('/:id/messages/:message/approval', async (context) => {
    const { account, conversation: name } = named(context)
    const { approved } = decision.parse(await context.req.json())
    const answer = answerIdOf(name, context.req.param('message'))
    await client.workflow
      .getHandle(answerWorkflowId(account, answer))
      .signal(decide, approved)
      .catch((error: unknown) => {
        unlessUnknown(error)
        throw new DoorError(404, 'answer_unknown', 'no such answer is waiting')
      })
    return context.json({ answer, approved })
  })

  routes.get('/:id/messages/:message/image', async (context) => {
    const { account, conversation: name } = named(context)
    const image = await images.find(account, answerIdOf(name, context.req.param('message')))
    if (image === null) throw new DoorError(404, 'image_unknown', 'there is no such picture, or not any more')
    return context.body(new Uint8Array(image), 200, { 'content-type': 'image/png' })
  })

  return routes
}

/** Nobody has said anything there. */
function unlessUnknown(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error
}
