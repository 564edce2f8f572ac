import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take a minute or more, the longest first: begun last, they would leave the other worker with nothing to do. */
const longest = [
  'test/faults/faults.test.ts',
  'test/web/calls.test.ts',
  'test/web/chat.test.ts',
  'test/e2e/separate-processes.test.ts',
  'test/faults/plugin.test.ts',
  'test/faults/sessions.test.ts',
  'test/sessions/session-workflow.test.ts',
  'test/bench/sessions-suite.test.ts',
  'test/company/company.test.ts',
  'test/web/credit-bar.test.ts',
  'test/web/usage-page.test.ts',
  'test/temporal-plugin/charges.test.ts',
  'test/e2e/npm-start.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.endsWith(name))
      return found < 0 ? longest.length : found
    }
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other))
  }
}
