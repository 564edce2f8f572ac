import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FaultName, faults } from './faults.ts'
import { settledTogether } from './at-rest.ts'
import { openStand, type Stand } from './stand.ts'
import { runTrial, type TrialOptions } from './trial.ts'

const usual = { seed: 7, callsPerSecond: 30, killEveryMs: 1_500, awayMs: 8_000, restWithinMs: 240_000 }

/** The stand has no Redis of its own after it. */
const last: FaultName = 'replica-promoted'
const single = (Object.keys(faults) as FaultName[]).filter((name) => name !== last)

describe('provider, receipts, ledger, workflow and journal say the same of every call, within the stated bounds', () => {
  let stand: Stand
  let failed = true

  beforeAll(async () => {
    stand = await openStand({ holdSeconds: 6, accounts: 10 })
  }, 300_000)

  afterAll(() => stand.close({ keepFolders: failed }), 60_000)

  /** What is wrong with the books; '' when nothing is. */
  async function faultIn(options: Pick<TrialOptions, 'fault' | 'calls'>): Promise<string> {
    failed = true
    const { fault, comparison, accounts } = await runTrial(stand, { ...usual, ...options })
    // Nobody would notice books without anything in them.
    const told = comparison.lines.filter(({ bound }) => bound === 'told')
    const empty = told.length < options.calls / 4 ? `only ${told.length} calls were answered` : ''
    const alone = settledTogether(accounts) === 0 ? 'no call was settled in company' : ''
    failed = fault !== '' || empty !== '' || alone !== ''
    return failed ? `${fault}${empty}${alone}\nlogs and data: ${stand.folder}` : ''
  }

  test.each(single)(
    'after %s',
    async (fault) => {
      expect(await faultIn({ fault, calls: 100 })).toBe('')
    },
    400_000,
  )

  test('after kills of random parts, one after the other', async () => {
    expect(await faultIn({ fault: 'random-kills', calls: 450 })).toBe('')
  }, 600_000)

  test(`after ${last}`, async () => {
    expect(await faultIn({ fault: last, calls: 100 })).toBe('')
  }, 400_000)
})
