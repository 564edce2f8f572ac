import { setTimeout as pause } from 'node:timers/promises'
import { Context } from '@temporalio/activity'
import type { Note } from './notes.ts'

/** How often an activity says that it is still there. */
const beatMs = 50

export type Activities = ReturnType<typeof createActivities>

/** What a company's activities may be like: quick, failing at first, or long. Each notes what it did where a killed process' notes can be read. */
export function createActivities(note: (note: Note) => void) {
  const say = (what: Note['what']): void => {
    const { workflowExecution, activityId } = Context.current().info
    note({ what, runId: workflowExecution!.runId, activityId, atMs: Date.now() })
  }
  return {
    /** Has a price. */
    async mail(ms: number, failures: number): Promise<void> {
      await pause(ms)
      if (Context.current().info.attempt <= failures) throw new Error('the mail server is busy')
      say('ended')
    },
    /** Costs its runtime, and can be followed up to the death of its worker. */
    async research(ms: number): Promise<void> {
      say('began')
      const endMs = Date.now() + ms
      while (Date.now() < endMs) {
        await pause(beatMs)
        Context.current().heartbeat()
        say('alive')
      }
      say('ended')
    },
  }
}
