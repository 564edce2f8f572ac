import type { WorkflowHandle, WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { booksAtRest } from '../at-rest.ts'
import { isPoor, type Stand } from '../stand.ts'
import { until } from '../../stack/until.ts'
import { priceOfMail } from './catalogue.ts'
import { type Company, openCompany } from './company.ts'
import { mails } from './workflows.ts'

export interface ParkedResumeOptions {
  readonly runs: number
  readonly workers: number
  readonly leaseMs: number
  readonly grantCredits: number
  readonly restWithinMs: number
  readonly say?: (line: string) => void
}

export interface ParkedResume {
  /** From the grant to the end of the last run. */
  readonly tookMs: number
  readonly resumed: number
  /** Signals that they heard; one each, unless what they were woken for was taken by others. */
  readonly signals: number
  /** '' when all went on, each once, and none failed. */
  readonly fault: string
}

const startedAtOnce = 20

/** Runs of an account at zero, all parked; a grant, by the admin API and Tollgate's own worker; and whether each did its work, once, and is charged for it. */
export async function parkedResume(stand: Stand, options: ParkedResumeOptions): Promise<ParkedResume> {
  const { workers, leaseMs, say } = options
  const company = await openCompany(stand, { workers, leaseMs, ...(say === undefined ? {} : { say }) })
  try {
    return await parkAndGrant(stand, company, options)
  } finally {
    await company.close()
  }
}

async function parkAndGrant(
  stand: Stand,
  company: Company,
  { runs, grantCredits, restWithinMs, say }: ParkedResumeOptions,
): Promise<ParkedResume> {
  const account = stand.callers.find((_, index) => isPoor(index))!.accountId
  const startedAtMs = Date.now()
  const handles: WorkflowHandleWithFirstExecutionRunId[] = []
  const results: Promise<boolean>[] = []
  let over = 0
  const startOne = async (): Promise<void> => {
    const handle = await company.start(account, mails, [[[0, 0]], 1])
    handles.push(handle)
    const result = handle.result().then(
      () => true,
      () => false,
    )
    results.push(result.finally(() => (over += 1)))
  }
  // The first ones spend what there is
  for (let parked = 0; parked < runs; parked = (await company.parkedRuns(account)).length) {
    await Promise.all(Array.from({ length: Math.min(startedAtOnce, runs - parked) }, startOne))
    const allAreSettled = async () => (await company.parkedRuns(account)).length + over === handles.length
    await until(allAreSettled, restWithinMs).catch(async (error: unknown) => {
      const parked = await company.parkedRuns(account)
      throw new Error(await storiesOf(handles.filter(({ workflowId }) => !parked.includes(workflowId))), {
        cause: error,
      })
    })
  }
  const early = over
  say?.(`${runs} runs are parked`)
  const grantedAtMs = Date.now()
  await stand.grant(account, grantCredits)
  const succeeded = (await Promise.all(results)).filter((result) => result).length
  const tookMs = Date.now() - grantedAtMs
  await company.retire()
  const { signals, completed } = await countIn(handles)
  const sent = new Map<string, number>()
  for (const { runId } of company.notes()) sent.set(runId, (sent.get(runId) ?? 0) + 1)
  const notOnce = handles.filter(({ firstExecutionRunId }) => sent.get(firstExecutionRunId) !== 1)
  const chargedMicro = (await booksAtRest(stand, restWithinMs))
    .flatMap(({ entries }) => entries)
    .filter(({ accountId, row, atMs }) => accountId === account && row.startsWith('tool_calls|') && atMs >= startedAtMs)
    .reduce((sum, { added }) => sum + added.charged, 0)
  const expectedMicro = handles.length * priceOfMail
  const faults = [
    succeeded === handles.length ? '' : `${handles.length - succeeded} of ${handles.length} runs have failed`,
    completed === handles.length ? '' : `${completed} activities of ${handles.length} runs have succeeded`,
    notOnce.length === 0 ? '' : `${notOnce.length} runs have not sent their mail once`,
    chargedMicro === expectedMicro ? '' : `${chargedMicro} µcr charged instead of ${expectedMicro}`,
  ]
  return { tookMs, resumed: succeeded - early, signals, fault: faults.filter((fault) => fault !== '').join('\n') }
}

/** What happened in the runs that are neither over nor parked. */
async function storiesOf(handles: readonly WorkflowHandle[]): Promise<string> {
  const stories: string[] = []
  for (const handle of handles) {
    const { status } = await handle.describe()
    if (status.name !== 'RUNNING') continue
    const { events } = await handle.fetchHistory()
    const names = (events ?? []).map((event) => {
      const at = new Date(Number(event.eventTime?.seconds ?? 0) * 1000).toISOString().slice(11, 19)
      const [name, attributes] = Object.entries(event).find(([key]) => key.endsWith('Attributes')) ?? ['', {}]
      return `  ${at} ${name} ${JSON.stringify(attributes).slice(0, 400)}`
    })
    stories.push(`${handle.workflowId} is neither parked nor over:\n${names.join('\n')}`)
  }
  return stories.slice(0, 3).join('\n')
}

async function countIn(handles: readonly WorkflowHandle[]): Promise<{ signals: number; completed: number }> {
  let signals = 0
  let completed = 0
  for (const handle of handles) {
    for (const event of (await handle.fetchHistory()).events ?? []) {
      if (event.workflowExecutionSignaledEventAttributes) signals += 1
      if (event.activityTaskCompletedEventAttributes) completed += 1
    }
  }
  return { signals, completed }
}
