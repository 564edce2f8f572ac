import { TestWorkflowEnvironment } from '@temporalio/testing'
import { partPath } from '../../bin/parts.ts'

/** The SDK gives the server five seconds to start, which a Java on a busy machine may need longer for: it is tried again for so long. */
const patienceMs = 45_000
/** The Java build optimises less and starts in two thirds of the time; the native build does not look at it. */
const javaOptions = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'

/** A Temporal whose clock jumps to the next timer. The caller tears it down. */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  process.env['JAVA_TOOL_OPTIONS'] ??= javaOptions
  const executable = { type: 'existing-path', path: partPath('TEMPORAL_TEST_SERVER') } as const
  const endMs = Date.now() + patienceMs
  for (;;) {
    try {
      return await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } })
    } catch (error) {
      if (Date.now() > endMs) throw error
    }
  }
}
