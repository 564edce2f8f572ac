import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client'
import { Hono } from 'hono'
import { withAttribution } from '../../../package/temporal.ts'
import type { Skipped } from '../../../package/temporal/workflow.ts'
import { reporter } from '../employees.ts'
import { reportScheduleId, taskQueue } from '../names.ts'
import type { dailyReport, Report } from '../workflows/daily-report.ts'
import type { DoorDeps, SignedIn } from './deps.ts'
import { DoorError } from './door-error.ts'

/** One day's report. `skipped`: there were no credits, so nothing was done. */
export interface ReportRun {
  readonly at: string
  readonly result: 'running' | 'done' | 'skipped' | 'failed'
  readonly text?: string
}

/** Every day at `hour`, UTC, by `employee`. */
export interface ReportSchedule {
  readonly employee: string
  readonly hour: number
  readonly isScheduled: boolean
  readonly next: string | null
  /** The latest first. */
  readonly runs: readonly ReportRun[]
}

const hour = 7

/** The report that a schedule writes every morning. */
export function report({ client }: Pick<DoorDeps, 'client'>): Hono<SignedIn> {
  const routes = new Hono<SignedIn>()
  const scheduleOf = (account: string) => client.schedule.getHandle(reportScheduleId(account))
  const shown = async (account: string): Promise<ReportSchedule> => {
    const described = await scheduleOf(account)
      .describe()
      .catch((error: unknown) => {
        if (error instanceof ScheduleNotFoundError) return undefined
        throw error
      })
    if (described === undefined) return { employee: reporter, hour, isScheduled: false, next: null, runs: [] }
    const { nextActionTimes, recentActions } = described.info
    const runs = recentActions.toReversed().flatMap(({ takenAt, action }) => {
      return action.type === 'startWorkflow' ? [runOf(client, takenAt, action.workflow)] : []
    })
    const next = nextActionTimes[0]?.toISOString() ?? null
    return { employee: reporter, hour, isScheduled: true, next, runs: await Promise.all(runs) }
  }

  /** Schedules it, once. Its runs are in the name of whoever creates the schedule. */
  routes.put('/', async (context) => {
    const account = context.get('account')
    await withAttribution({ account, employee: reporter }, () =>
      client.schedule.create({
        scheduleId: reportScheduleId(account),
        spec: { calendars: [{ hour }] },
        action: { type: 'startWorkflow', workflowType: 'dailyReport', taskQueue, args: [] },
      }),
    ).catch((error: unknown) => {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error
    })
    return context.json(await shown(context.get('account')))
  })

  routes.get('/', async (context) => context.json(await shown(context.get('account'))))

  /** A report now, beside the daily ones. */
  routes.post('/runs', async (context) => {
    await scheduleOf(context.get('account')).trigger().catch(notScheduled)
    return context.json({}, 202)
  })

  routes.delete('/', async (context) => {
    await scheduleOf(context.get('account')).delete().catch(notScheduled)
    return context.json({})
  })

  return routes
}

async function runOf(
  client: Client,
  takenAt: Date,
  { workflowId, firstExecutionRunId }: { readonly workflowId: string; readonly firstExecutionRunId: string },
): Promise<ReportRun> {
  const at = takenAt.toISOString()
  const handle = client.workflow.getHandle<typeof dailyReport>(workflowId, firstExecutionRunId)
  const { status } = await handle.describe()
  if (status.name === 'RUNNING') return { at, result: 'running' }
  const result: Report | Skipped | undefined = await handle.result().catch(() => undefined)
  if (result === undefined) return { at, result: 'failed' }
  return 'skipped' in result ? { at, result: 'skipped' } : { at, result: 'done', text: result.text }
}

function notScheduled(error: unknown): never {
  if (!(error instanceof ScheduleNotFoundError)) throw error
  throw new DoorError(404, 'report_unknown', 'no report is scheduled: PUT /company/report')
}
