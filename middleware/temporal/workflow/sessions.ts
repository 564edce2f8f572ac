import { ChildWorkflowCancellationType, executeChild, ParentClosePolicy, uuid4 } from '@temporalio/workflow'
import { accountTaskQueue } from '../../../credits/account/task-queue.ts'
import {
  type SessionResult,
  type SessionRun,
  type SessionStart,
  sessionWorkflowId,
  sessionWorkflowType,
} from '../../../credits/session/messages.ts'
import type { AdapterName, SessionKind } from '../../../credits/session/session.ts'
import type { Attribution } from './carried.ts'
import type { InNameOf } from './in-name-of.ts'

export type { SessionEnd, SessionRefusal, SessionResult } from '../../../credits/session/messages.ts'

export interface CallOptions extends InNameOf {
  /** Its id, to be told to those who take part: 1–64 letters, digits, `_` and `-`, never used before. Made up when left out. */
  readonly id?: string
  /** What it runs on: by default a room (`livekit`), of meetings a bot (`meeting_bot`), or a page (`browser`) where that is not set up. */
  readonly adapter?: AdapterName
  /** Where Tollgate's workers listen, if that was changed. */
  readonly taskQueue?: string
}

/**
 * A voice call with the employee in whose name the run works, until it is over: resolves with how it ended (`endReason: 'credits'` at zero) and what it cost, or with `refused` where it did not begin. Then it may
 * be started again, after a top-up for example. A run that is cancelled ends the call and hears how long it was.
 */
export function startVoiceCall(options: CallOptions = {}): Promise<SessionResult> {
  return attend('voice', null, options)
}

/** Sends the employee to a meeting that somebody else holds (Meet, Zoom, Teams), until it is over: see `startVoiceCall`. */
export function attendMeeting(meetingUrl: string, options: CallOptions = {}): Promise<SessionResult> {
  return attend('meeting', meetingUrl, options)
}

/** In the options of a session's start: symbols survive what other interceptors make of options. */
const byUs = Symbol('tollgate.session')

function attend(
  kind: SessionKind,
  meetingUrl: string | null,
  { id = uuid4(), adapter, taskQueue = accountTaskQueue, employee = '', organization = '', message = '' }: CallOptions,
): Promise<SessionResult> {
  const start: SessionStart = {
    // The interceptor fills in whose it is.
    accountId: '',
    sessionId: id,
    kind,
    employee,
    organization,
    message,
    adapter: adapter ?? null,
    meetingUrl,
  }
  const options = {
    [byUs]: true,
    workflowId: sessionWorkflowId(id),
    taskQueue,
    args: [{ start }] satisfies [SessionRun],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  }
  return executeChild<(run: SessionRun) => Promise<SessionResult>>(sessionWorkflowType, options)
}

/** The options of a child that is a session, in the name of the run that begins it; of any other child as they are. */
export function inNameOfRun<Options extends object>(options: Options, who: Attribution): Options {
  if (!isSession(options)) return options
  const [{ start }] = options.args
  const named: SessionStart = {
    ...start,
    accountId: who.account,
    employee: start.employee === '' ? who.employee : start.employee,
    organization: start.organization === '' ? who.organization : start.organization,
    message: start.message === '' ? who.message : start.message,
  }
  return { ...options, args: [{ start: named }] }
}

function isSession<Options extends object>(options: Options): options is Options & { readonly args: [SessionRun] } {
  return byUs in options
}
