import { LedgerUnavailable } from './unavailable.ts'

/**
 * Asks all shards, or groups of them, at once. Those that are away with their master of a Cluster are left out: the others must not wait for them. Rejects
 * with LedgerUnavailable when none answers.
 */
export async function eachShard<Asked, Answer>(
  shards: readonly Asked[],
  ask: (shard: Asked) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const asked = await Promise.allSettled(shards.map(ask))
  const answers = asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
  const failures = asked.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []))
  const bug = failures.find((reason) => !(reason instanceof LedgerUnavailable))
  if (bug !== undefined) throw bug
  if (answers.length === 0 && failures.length > 0) throw failures[0]
  return answers
}
