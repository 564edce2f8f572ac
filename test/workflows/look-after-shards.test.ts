import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { describe, expect, test } from 'vitest'
import { createLookAfterShards } from '../../activities/look-after-shards.ts'
import { silent } from './ledger-stand.ts'
import { turnedClock } from './turned-clock.ts'

const range = { from: 0, to: 255, roundMs: 600_000 }
const run = (look: (given: typeof range) => Promise<void>) =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(look, range)

describe('all rounds in one activity', () => {
  test('one that fails begins again by itself, and holds up no other', async () => {
    const { clock } = turnedClock()
    const turns = { well: 0, ill: 0 }
    const counted: string[] = []
    const rounds = {
      well: async ({ roundMs }: typeof range) => {
        turns.well += 1
        await clock.sleep(roundMs)
      },
      ill: async ({ roundMs }: typeof range) => {
        turns.ill += 1
        if (turns.ill % 2 === 1) throw new Error('lost')
        await clock.sleep(roundMs)
      },
    }
    await run(createLookAfterShards({ clock, log: silent, count: (event) => void counted.push(event) }, rounds))
    // Slices of half a minute on one clock that both turn.
    expect(turns.well).toBeGreaterThan(5)
    expect(turns.ill).toBeGreaterThan(5)
    expect(new Set(counted)).toEqual(new Set(['turn_failed']))
  })

  test('one that fails for half a minute gives all of them up, so that another worker may have them', async () => {
    const { clock } = turnedClock()
    let ended = false
    const rounds = {
      ill: async () => {
        await clock.sleep(1_000)
        throw new Error('no Redis here')
      },
      well: async () => {
        await clock.sleep(10)
        ended = clock.now() > 30_000
      },
    }
    await expect(run(createLookAfterShards({ clock, log: silent }, rounds))).rejects.toThrow('no Redis here')
    expect(ended).toBe(true)
    expect(clock.now()).toBeLessThan(120_000)
  })
})
