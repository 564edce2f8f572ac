import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/stack/longest-first.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests start processes and native Temporal workers: threads of one process would share their fate.
    pool: 'forks',
    // They wait more than they work: one at a time would leave the machine idle.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // Many tests start our programs: they need not be compiled each time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('.tollgate/compile-cache', import.meta.url)) },
    // A retry of Temporal's client is a timer that outlives the connection that a stand has closed, and throws where nobody can catch it.
    onUnhandledError: (error) => (error.message === 'Channel has been shut down' ? false : undefined),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: 'test/stack/global-setup.ts',
    reporters: ['default', './test/stack/count-reporter.ts'],
  },
})
