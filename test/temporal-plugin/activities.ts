import { Context } from '@temporalio/activity'
import { ApplicationFailure } from '@temporalio/common'
import { type CurrentWork, currentWork } from '../../middleware/temporal/current-work.ts'

/** What an activity saw of its work. */
export interface Seen extends Omit<CurrentWork, 'nextChargeId'> {
  readonly activityType: string
  readonly ids: readonly string[]
}

export interface Busy {
  readonly fromMs: number
  readonly toMs: number
}

export type Activities = ReturnType<typeof createActivities>

/** Test activities that note in whose name they ran. */
export function createActivities(seen: Seen[], busy: Busy[] = []) {
  const look = (): void => {
    const work = currentWork()
    if (work === undefined) return
    const { account, organization, employee, messageId, workflowId, runId, activityId, attempt, firstScheduledMs } =
      work
    const { activityType } = Context.current().info
    const ids = ['model', 'model', 'image'].map((what) => work.nextChargeId(what))
    const who = { account, organization, employee, messageId }
    seen.push({ ...who, workflowId, runId, activityId, attempt, firstScheduledMs, activityType, ids })
  }
  return {
    async sendMail(text: string): Promise<string> {
      look()
      return `sent ${text}`
    },
    async localMail(text: string): Promise<string> {
      look()
      return `sent ${text}`
    },
    async fails(): Promise<void> {
      look()
      throw ApplicationFailure.nonRetryable('it cannot be done')
    },
    async failsTwice(): Promise<void> {
      look()
      if (Context.current().info.attempt < 3) throw new Error('not yet')
    },
    async diesOnce(): Promise<void> {
      look()
    },
    async drawsImages(delivered: number): Promise<number> {
      look()
      return delivered
    },
    async waits(): Promise<void> {
      look()
      const beats = setInterval(() => Context.current().heartbeat(), 50)
      await Context.current().cancelled.finally(() => clearInterval(beats))
    },
    /** Under way for so long, and says when. */
    async busy(ms: number): Promise<void> {
      const fromMs = Date.now()
      await new Promise((resolve) => setTimeout(resolve, ms))
      busy.push({ fromMs, toMs: Date.now() })
    },
    async searchWeb(): Promise<void> {
      look()
    },
    async unheardOf(): Promise<void> {
      look()
    },
    async asksModel(): Promise<void> {
      look()
    },
  }
}
