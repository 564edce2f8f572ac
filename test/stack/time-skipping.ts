import { TestWorkflowEnvironment } from '@temporalio/testing'
import { partPath } from '../../bin/parts.ts'

/** A Temporal whose clock jumps to the next timer. The caller tears it down. */
export function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: partPath('TEMPORAL_TEST_SERVER') } },
  })
}
