import {
  CancellationScope,
  condition,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow'
import { attendMeeting, inNameOf, type SessionResult, startVoiceCall } from '../../../package/temporal/workflow.ts'
import type { Activities } from '../activities/index.ts'
import { researcher } from '../employees.ts'
import { answerWorkflowId, conversationWorkflowId } from '../names.ts'
import { addressIn, intentionOf } from './intention.ts'
import { decide, type Ended, ended, type Message, remembered } from './messages.ts'
import { research } from './research.ts'

/** One message that an employee answers. */
export interface AnswerTask {
  readonly account: string
  readonly conversation: string
  readonly answer: string
  readonly employee: string
  readonly question: string
  readonly history: readonly Message[]
  readonly memory: string
}

const work = proxyActivities<Activities>({ startToCloseTimeout: '10 minutes' })
const { streamReply } = proxyActivities<Pick<Activities, 'streamReply'>>({
  startToCloseTimeout: '30 minutes',
  // By its heartbeats it hears that it was stopped, and then tells what it has streamed.
  heartbeatTimeout: '20 seconds',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
})

/** Safety check, the work that was asked for, the reply, and what is worth remembering: all charged under the message. */
export async function answer(task: AnswerTask): Promise<Ended> {
  const conversation = getExternalWorkflowHandle(conversationWorkflowId(task.account, task.conversation))
  const how = await outcome(task)
  await CancellationScope.nonCancellable(() => conversation.signal(ended, how)).catch((error: unknown) =>
    log.warn('the conversation is gone', { error: String(error) }),
  )
  if (how.state === 'stopped') return how
  await work['journal.write']({ ...task, state: how.state })
  if (how.state === 'done') await conversation.signal(remembered, await memoryAfter(task, how))
  return how
}

async function outcome(task: AnswerTask): Promise<Ended> {
  try {
    return await give(task)
  } catch (error) {
    if (isCancellation(error)) return { answer: task.answer, state: 'stopped', text: '' }
    log.warn('an answer failed', { error: String(error) })
    return { answer: task.answer, state: 'failed', text: 'Something went wrong, and this was not finished.' }
  }
}

async function give(task: AnswerTask): Promise<Ended> {
  const { answer, question } = task
  const isUnsafe = await unsafe(question)
  const { done, image } = isUnsafe ? { done: 'Decline, since this is not safe.' } : await act(task)
  const { text, stopped } = await streamReply({ ...task, done })
  return { answer, state: stopped ? 'stopped' : 'done', text, ...(image === undefined ? {} : { image }) }
}

/** What was done before the reply, as its model is told. */
interface Done {
  readonly done: string
  readonly image?: true
}

async function act(task: AnswerTask): Promise<Done> {
  const { account, answer, conversation, question } = task
  switch (intentionOf(question)) {
    case 'call':
      return { done: `Your voice call: ${howItWent(await startVoiceCall())}` }
    case 'attend':
      return { done: `The meeting: ${howItWent(await attendMeeting(addressIn(question)!))}` }
    case 'image':
      await work.drawImage({ conversation, answer, prompt: question, hd: /\bHD\b/.test(question) })
      return { done: 'You have drawn the picture. Present it in a few words.', image: true }
    case 'research': {
      const workflowId = `${answerWorkflowId(account, answer)}/research`
      const found = await inNameOf({ employee: researcher }, () =>
        executeChild(research, { workflowId, args: [{ question }] }),
      )
      return { done: `Research found: ${found}` }
    }
    case 'mail':
      return { done: await sendMail(task) }
    case 'calendar':
      return { done: await work['connected_app.call']({ conversation, answer, app: 'calendar', action: 'list today' }) }
    case 'talk':
      return { done: '' }
  }
}

/** Billed by the minute under the message; while the employee is in it, the run has no runtime. */
function howItWent(result: SessionResult): string {
  if ('refused' in result) return `it did not begin, since ${result.refused.message}. It may be tried again later.`
  const { seconds, endReason } = result
  if (seconds === 0) return 'nobody came.'
  return `it lasted ${seconds} s${endReason === 'credits' ? ' and ended since credits ran out' : ''}.`
}

/** Nothing leaves the house before a person has seen it. Waiting costs nothing: no activity runs meanwhile. */
async function sendMail({ conversation, answer, question }: AnswerTask): Promise<string> {
  let approved: boolean | undefined
  setHandler(decide, (yes) => void (approved ??= yes))
  const draft = await work.callModel({ prompt: `Draft this mail in about 60 words: ${question}` })
  await work['task.create']({ conversation, answer, what: `Send this mail?\n\n${draft}` })
  await condition(() => approved !== undefined)
  if (approved === false) return 'The mail was not approved and not sent.'
  return work['connected_app.call']({ conversation, answer, app: 'mail', action: `send: ${draft}` })
}

async function unsafe(question: string): Promise<boolean> {
  const prompt = `Is it safe to do this for somebody? Answer in one word, SAFE or UNSAFE.\n\n${question}`
  return /^\W*unsafe/i.test(await work.callModel({ tier: 'fast', internal: 'safety', prompt }))
}

function memoryAfter({ memory, question }: AnswerTask, { text }: Ended): Promise<string> {
  const prompt = `In 30 words, what is worth knowing the next time?\n\nKnown: ${memory}\nPerson: ${question}\nYou: ${text}`
  return work.callModel({ tier: 'fast', internal: 'memory', prompt })
}
