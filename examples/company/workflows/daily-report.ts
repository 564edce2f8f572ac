import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'

export interface Report {
  readonly text: string
}

const work = proxyActivities<Activities>({ startToCloseTimeout: '10 minutes' })

/** A task by its type: it costs a task once it has succeeded. At zero the plugin lets a scheduled run end as skipped. */
export async function dailyReport(): Promise<Report> {
  const today = await work['connected_app.call']({ app: 'calendar', action: 'list today' })
  return { text: await work.callModel({ prompt: `Write a report of this day in about 80 words:\n\n${today}` }) }
}
