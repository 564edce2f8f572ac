import { proxyActivities } from '@temporalio/workflow'
import type { Activities } from '../activities/index.ts'

const work = proxyActivities<Activities>({ startToCloseTimeout: '10 minutes' })

/** A colleague looks something up. It is started in the colleague's name, and paid under the same message. */
export async function research({ question }: { readonly question: string }): Promise<string> {
  const found = await work['web.search']({ query: question })
  const prompt = `Sum up in about 80 words what these pages say on "${question}":\n\n${found.join('\n')}`
  return work.callModel({ prompt })
}
