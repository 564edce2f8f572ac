import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'
import { researcher } from '../employees.ts'

const work = proxyActivities<Activities>({ startToCloseTimeout: '10 minutes' })

/** A colleague looks something up. As a child it is charged to the same account and message; its model call is booked to the colleague. */
export async function research({ question }: { readonly question: string }): Promise<string> {
  const found = await work['web.search']({ query: question })
  const prompt = `Sum up in about 80 words what these pages say on "${question}":\n\n${found.join('\n')}`
  return work.callModel({ employee: researcher, prompt })
}
