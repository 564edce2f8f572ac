import { defaultPayloadConverter, type Headers } from '@temporalio/common'

/** In whose name work is billed: ids only, since Temporal's headers are encrypted by no codec. '' = nobody in particular. */
export interface Attribution {
  readonly account: string
  readonly organization: string
  readonly employee: string
  /** Chat message that the work answers. */
  readonly message: string
}

/** What a workflow run was started with, and hands to its children and to the run that continues it. */
export interface Carried extends Attribution {
  /** A schedule started the run. */
  readonly scheduled?: true
  /** The run is billed for the time that it is open, not for that of its activities. */
  readonly openTime?: true
  /** Workflow types whose success completes a task. They travel, so that a run is decided by its own history and never by a newer worker's options. */
  readonly tasks?: readonly string[]
}

/** What an activity is told. That it is told anything shows that the workflow side of the plugin is in the bundle. */
export interface ActivityNote extends Partial<Attribution> {
  /** Of a local activity: when its run started, by the server. Its own time of scheduling changes when its workflow task is repeated. */
  readonly bornMs?: number
  /** The run's time is billed by its workflow side. */
  readonly openTime?: true
  /** The workflow waits for credits where the activity is refused. */
  readonly parks?: true
  /** Id of the activity that was refused before, and which this one is scheduled in place of; `bornMs` is when that one was scheduled. */
  readonly resumes?: string
}

/** Header of workflows and activities. */
export const headerName = 'tollgate'

/** The headers, with `value` under our name. */
export function withHeader(headers: Headers, value: Carried | ActivityNote): Headers {
  return { ...headers, [headerName]: defaultPayloadConverter.toPayload(value) }
}

/** What a workflow was started with; undefined when it was started without an account, or by something that did not write it in our way. */
export function readCarried(headers: Headers): Carried | undefined {
  const value = readHeader(headers)
  if (value === undefined) return undefined
  const who = attributionIn(value)
  if (who === undefined) return undefined
  const { scheduled, openTime, tasks } = value
  return {
    ...who,
    ...(scheduled === true ? { scheduled } : {}),
    ...(openTime === true ? { openTime } : {}),
    ...(Array.isArray(tasks) ? { tasks: tasks.filter((task) => typeof task === 'string') } : {}),
  }
}

/** What an activity was told; undefined when nobody told it anything. */
export function readActivityNote(headers: Headers): ActivityNote | undefined {
  const value = readHeader(headers)
  if (value === undefined) return undefined
  const { bornMs, openTime, parks, resumes } = value
  return {
    ...attributionIn(value),
    ...(typeof bornMs === 'number' ? { bornMs } : {}),
    ...(openTime === true ? { openTime } : {}),
    ...(parks === true ? { parks } : {}),
    ...(typeof resumes === 'string' ? { resumes } : {}),
  }
}

/** Only the ids. */
export function attributionOf({ account, organization, employee, message }: Attribution): Attribution {
  return { account, organization, employee, message }
}

const names = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/

/** Which of the ids cannot be one, else undefined. */
export function malformedId(who: Attribution): keyof Attribution | undefined {
  const kinds = ['account', 'organization', 'employee', 'message'] as const
  return kinds.find((kind) => !(who[kind] === '' && kind !== 'account') && !names.test(who[kind]))
}

function attributionIn(value: Readonly<Record<string, unknown>>): Attribution | undefined {
  const text = (name: keyof Attribution): string => (typeof value[name] === 'string' ? value[name] : '')
  const who = {
    account: text('account'),
    organization: text('organization'),
    employee: text('employee'),
    message: text('message'),
  }
  return malformedId(who) === undefined ? who : undefined
}

/** Never throws: in a workflow that would hold the run up for ever. */
function readHeader(headers: Headers): Readonly<Record<string, unknown>> | undefined {
  const payload = headers[headerName]
  if (payload === undefined) return undefined
  try {
    const value = defaultPayloadConverter.fromPayload<unknown>(payload)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
