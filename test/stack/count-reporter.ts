import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line that a machine can read. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let [passed, failed, skipped] = [0, errors.length, 0]
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
      // A file that does not load has no tests that could fail.
      if (module.state() === 'failed' && module.errors().length > 0) failed++
    }
    const skippedToo = skipped === 0 ? '' : `, ${skipped} skipped`
    process.on('exit', () => console.log(`tests: ${passed} passed, ${failed} failed${skippedToo}`))
  }
}
