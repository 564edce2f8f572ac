import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { billedRuntime } from './plugin/billed-runtime.ts'
import { chargedOnce } from './plugin/charged-once.ts'
import { parkedResume } from './plugin/parked-resume.ts'
import { openStand, type Stand } from './stand.ts'

const common = { workers: 2, seed: 7, restWithinMs: 240_000 }

describe('a company whose workflows are billed by the plugin', () => {
  let stand: Stand
  let failed = true

  beforeAll(async () => {
    stand = await openStand({ holdSeconds: 6, accounts: 6 })
  }, 300_000)

  afterAll(() => stand?.close({ keepFolders: failed }), 60_000)

  test('pays each success once, however often its workers are killed', async () => {
    failed = true
    const { fault, kills, lost } = await chargedOnce(stand, { ...common, activities: 200, killEveryMs: 6_000 })
    expect(fault).toBe('')
    // Nobody would notice kills that hit nothing
    expect(kills).toBeGreaterThan(0)
    expect(lost).toBeGreaterThan(0)
    failed = false
  }, 400_000)

  test('is billed what its activities ran, but for a lease with each worker that dies', async () => {
    failed = true
    const { fault, runs } = await billedRuntime(stand, {
      ...common,
      runs: 4,
      pieces: 5,
      leaseMs: 2_000,
      killEveryMs: 6_000,
    })
    expect(fault).toBe('')
    expect(runs.some(({ deaths }) => deaths > 0)).toBe(true)
    failed = false
  }, 400_000)

  test('goes on with all that is parked after a grant, each run once, and none fails', async () => {
    failed = true
    const { fault } = await parkedResume(stand, { ...common, runs: 40, leaseMs: 2_000, grantCredits: 100 })
    expect(fault).toBe('')
    failed = false
  }, 400_000)
})
