import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { budgets, commands, everyWord, newWorld, options, reached } from './commands.ts'
import { type GivenLedger, givenLedger } from './given.ts'

let given: GivenLedger
beforeAll(async () => {
  given = await givenLedger(options)
})
afterAll(() => given.stop())

/** Two or three rounds usually reach every word; the rarest has been missed by five. */
const mostRounds = 40

test(
  'no sequence of operations makes real Redis differ from the pure ledger, or a sum from its parts',
  { timeout: 600_000 },
  async () => {
    const missing = () => everyWord.filter((word) => !reached.has(word))
    // A generator that cannot reach a word cannot find its bugs: it goes on until it has reached them all
    for (let round = 0; round < mostRounds && (round === 0 || missing().length > 0); round++) {
      await fc.assert(
        fc.asyncProperty(fc.commands(commands, { maxCommands: 60, size: 'max' }), budgets, async (sequence, limits) => {
          const real = { given }
          const world = await newWorld(real, limits)
          await fc.asyncModelRun(() => ({ model: world, real }), sequence)
        }),
        { numRuns: 100 },
      )
    }
    expect(missing()).toEqual([])
  },
)
