import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  defineUpdate,
  executeChild,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow'
import { completeTask } from '../../middleware/temporal/workflow/complete-task.ts'
import { inNameOf } from '../../middleware/temporal/workflow/in-name-of.ts'
import type { Activities } from './activities.ts'

const remote = proxyActivities<Activities>({
  startToCloseTimeout: '2s',
  retry: { initialInterval: '50ms', backoffCoefficient: 1 },
})
const patient = proxyActivities<Activities>({
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10s',
})
const local = proxyLocalActivities<Activities>({ startToCloseTimeout: '10s' })

export const go = defineSignal('go')
export const ask = defineUpdate<string>('ask')

export async function mails(): Promise<string> {
  setHandler(go, () => undefined)
  setHandler(ask, () => 'asked')
  return remote.sendMail('one')
}

export async function localMails(): Promise<string> {
  return local.localMail('near')
}

export async function parent(): Promise<string> {
  return executeChild(mails, { args: [] })
}

export async function continues(left: number): Promise<string> {
  if (left > 0) await continueAsNew<typeof continues>(left - 1)
  return remote.sendMail('last')
}

export async function callsActivity(name: keyof Activities, args: unknown[] = []): Promise<unknown> {
  return (remote[name] as (...args: unknown[]) => Promise<unknown>)(...args)
}

export async function bothAtOnce(): Promise<void> {
  await Promise.all([remote.sendMail('one'), sleep(10), remote.sendMail('two')])
}

/** A task by its type. */
export async function report(): Promise<string> {
  return 'reported'
}

/** A task by its type whose first attempt fails, and which is then continued. */
export async function hardReport(left: number): Promise<string> {
  await completeTask('part')
  if (workflowInfo().attempt === 1 && left === 1) throw ApplicationFailure.retryable('once more')
  if (left > 0) await continueAsNew<typeof hardReport>(left - 1)
  return 'reported'
}

export async function failedReport(): Promise<void> {
  throw ApplicationFailure.nonRetryable('no report')
}

export async function endlessReport(): Promise<void> {
  await condition(() => false)
}

/** Ends its task though it was asked to stop. */
export async function stubbornReport(): Promise<string> {
  try {
    await CancellationScope.current().cancelRequested
  } catch {
    // Asked to stop, and done all the same
  }
  return 'reported'
}

export async function parts(): Promise<void> {
  await completeTask('a')
  await completeTask('b')
  await completeTask('a')
}

/** Three activities over each other, a wait, and one more. */
export async function overlaps(): Promise<void> {
  const after = async (ms: number, busyMs: number): Promise<void> => {
    if (ms > 0) await sleep(ms)
    await remote.busy(busyMs)
  }
  await Promise.all([after(0, 1_500), after(100, 1_000), after(200, 600)])
  await sleep(700)
  await remote.busy(200)
}

export async function waitsForever(): Promise<void> {
  await patient.waits()
}

const once = proxyActivities<Activities>({
  startToCloseTimeout: '2s',
  scheduleToCloseTimeout: '2s',
  retry: { maximumAttempts: 1 },
})

export async function twoMails(): Promise<string[]> {
  setCurrentDetails('two mails to send')
  return [await remote.sendMail('one'), await remote.sendMail('two')]
}

/** One attempt, and two seconds for all of it. */
export async function mailsOnce(): Promise<string> {
  return once.sendMail('one')
}

export async function mailsAtOnce(count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => remote.sendMail(`mail ${index}`)))
}

export async function mailsUnlessStopped(): Promise<string> {
  const sending = new CancellationScope()
  setHandler(defineSignal('stop'), () => sending.cancel())
  try {
    return await sending.run(() => remote.sendMail('one'))
  } catch {
    await sleep(1)
    return 'stopped'
  }
}

export async function mailsWithin(ms: number): Promise<string> {
  try {
    return await CancellationScope.withTimeout(ms, () => remote.sendMail('one'))
  } catch {
    return 'too late'
  }
}

export async function onDemand(): Promise<string> {
  return local.localMail('near')
}

export async function sleepsAndContinues(left: number): Promise<void> {
  await Promise.all([remote.sendMail('one'), sleep(300)])
  if (left > 0) await continueAsNew<typeof sleepsAndContinues>(left - 1)
}

/** Names that are no names are left aside. */
export async function mailsForAnother(account: string): Promise<string> {
  const who = { account, message: 'm-1' }
  return inNameOf(who, () => remote.sendMail('one'))
}

/** Its only parked step is given up, and it lives on. */
export async function givesUp(): Promise<void> {
  const sending = new CancellationScope()
  setHandler(defineSignal('stop'), () => sending.cancel())
  await sending.run(() => remote.sendMail('one')).catch(() => undefined)
  await condition(() => false)
}

/** Two messages at once, each with an employee of its own, and what is nobody's after them. */
export async function chat(): Promise<void> {
  const answer = (message: string, employee: string): Promise<void> =>
    inNameOf({ message, employee }, async () => {
      await sleep(10)
      await remote.sendMail(message)
      await inNameOf({ employee: 'eve' }, () => executeChild(mails, { args: [] }))
      await completeTask(message)
    })
  await Promise.all([answer('m-1', 'ada'), answer('m-2', 'bo')])
  await remote.sendMail('last')
}

export async function chatOfNobody(): Promise<void> {
  await inNameOf({ employee: 'not an id' }, () => remote.sendMail('never'))
}

/** A bug that is mended by then: until that, each of its tasks fails. */
export async function stumbles(untilMs: number): Promise<void> {
  await sleep(10)
  if (Date.now() < untilMs) throw new Error('a bug')
}
