import { proxyActivities } from '@temporalio/workflow'
import { completeTask } from 'tollgate/temporal/workflow'
import type * as activities from './activities.ts'

const { sendMail } = proxyActivities<typeof activities>({
  startToCloseTimeout: '20 seconds',
  retry: { maximumAttempts: 3 },
})

export async function invoice(id: string): Promise<string> {
  const sent = await sendMail(`invoice ${id}`)
  await completeTask(id)
  return sent
}
