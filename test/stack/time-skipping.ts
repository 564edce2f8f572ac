import { TestWorkflowEnvironment } from '@temporalio/testing'
import { partPath } from '../../bin/parts.ts'

/** The SDK gives the server five seconds to start, which a Java on a busy machine may need longer for. */
const attempts = 4

/** A Temporal whose clock jumps to the next timer. The caller tears it down. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const executable = { type: 'existing-path', path: partPath('TEMPORAL_TEST_SERVER') } as const
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } })
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}
