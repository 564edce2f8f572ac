import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { answerIdOf, answerWorkflowId } from '../names.ts'
import { ask, type Ended, ended, look, type Message, remembered, stop } from './messages.ts'

export interface Conversation {
  readonly account: string
  readonly conversation: string
  readonly messages?: readonly Message[]
  readonly memory?: string
}

/** Older ones are forgotten: a workflow's input must stay small. */
const mostMessages = 100
/** What an employee is told of what was said before. */
const mostHistory = 20

const activities = proxyActivities<Activities>({
  startToCloseTimeout: '30 seconds',
  // Stopped in the middle of it, the answer has been started, or has not: guessing is worse than a moment's wait.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
})

/** Holds what was said, and lets one answer after the other be given. Every answer is a workflow of its own: what it costs is charged under its own message. */
export async function conversation({ account, conversation, ...before }: Conversation): Promise<never> {
  const messages: Message[] = [...(before.messages ?? [])]
  let memory = before.memory ?? ''
  let answering: { readonly answer: string; readonly scope: CancellationScope } | undefined

  const find = (id: string) => messages.find((message) => message.id === id)
  const change = (id: string, changes: Partial<Message>): void => {
    const at = messages.findIndex((message) => message.id === id)
    if (at >= 0) messages[at] = { ...messages[at]!, ...changes }
  }
  const isOpen = (id: string): boolean => ['waiting', 'working'].includes(find(id)?.state ?? '')
  const end = ({ answer, ...how }: Ended): void => {
    if (isOpen(answer)) change(answer, how)
  }

  setHandler(look, () => ({ messages }))
  setHandler(ended, end)
  setHandler(remembered, (text) => void (memory = text))
  setHandler(ask, ({ id, employee, text }) => {
    const answer = answerIdOf(conversation, id)
    const known = find(answer)
    if (known !== undefined) return known
    const at = new Date().toISOString()
    messages.push({ id, from: 'person', employee, text, at, state: 'said' })
    messages.push({ id: answer, from: 'employee', employee, text: '', at, state: 'waiting' })
    messages.splice(0, messages.length - mostMessages)
    return find(answer)!
  })
  setHandler(stop, async () => {
    if (answering === undefined) return null
    const { answer, scope } = answering
    scope.cancel()
    await condition(() => !isOpen(answer))
    return find(answer) ?? null
  })

  const next = () => messages.find(({ state }) => state === 'waiting' || state === 'working')
  for (;;) {
    await condition(() => next() !== undefined || workflowInfo().continueAsNewSuggested)
    if (workflowInfo().continueAsNewSuggested) break
    await give(next()!)
  }
  await condition(allHandlersFinished)
  return continueAsNew<Self>({ account, conversation, messages, memory })

  async function give({ id: answer, employee }: Message): Promise<void> {
    const scope = new CancellationScope()
    answering = { answer, scope }
    change(answer, { state: 'working' })
    try {
      await scope.run(async () => {
        const at = messages.findIndex(({ id }) => id === answer)
        const history = messages.slice(Math.max(0, at - 1 - mostHistory), at - 1).filter(({ text }) => text !== '')
        const question = messages[at - 1]?.text ?? ''
        const task = { account, conversation, answer, employee, question, history, memory }
        const already = await activities['workflow.start'](task)
        if (already !== null) end(already)
        await condition(() => !isOpen(answer))
      })
    } catch (error) {
      if (!scope.consideredCancelled) throw error
      await CancellationScope.nonCancellable(() => stopped(answer))
    } finally {
      answering = undefined
    }
  }

  /** The answer tells how far it came. One that was never started, or does not answer, is stopped all the same. */
  async function stopped(answer: string): Promise<void> {
    try {
      await getExternalWorkflowHandle(answerWorkflowId(account, answer)).cancel()
      await condition(() => !isOpen(answer), '30 seconds')
    } catch {
      // There is no such workflow.
    }
    end({ answer, state: 'stopped', text: '' })
  }
}

/** Inside the function its name is that of the conversation. */
type Self = typeof conversation
