import { type AccountBooks, booksAtRest } from './at-rest.ts'
import { boundTable, faultTable } from './book-table.ts'
import { type Attempt, startCallers } from './callers.ts'
import { compareBooks, type Comparison } from './compare-books.ts'
import { type FaultName, faults } from './faults.ts'
import { startRandomKills } from './random-kills.ts'
import { type Seeded, seeded } from './seeded.ts'
import { shownReceipts } from './shown-receipts.ts'
import type { Stand } from './stand.ts'

export interface TrialOptions {
  readonly seed: number
  readonly calls: number
  /** One fault in the middle of the traffic, or a kill of some part again and again all the while. */
  readonly fault: FaultName | 'random-kills'
  readonly callsPerSecond: number
  readonly killEveryMs: number
  readonly awayMs: number
  /** What recovery may take at most; only a broken program needs it. */
  readonly restWithinMs: number
}

export interface Trial {
  readonly comparison: Comparison
  readonly accounts: readonly AccountBooks[]
  readonly kills: number
  /** '' when every book says what it must; otherwise what is wrong, with the command that repeats the trial. */
  readonly fault: string
  /** What was lost by which bound. */
  readonly summary: string
}

/** Stands may be used again: each trial compares all that its stand has ever done, and tells only of what is new. */
const earlier = new WeakMap<Stand, { readonly attempts: Attempt[]; readonly told: Set<string> }>()

/** Traffic, a fault in it, rest, and a comparison of all books. */
export async function runTrial(stand: Stand, options: TrialOptions): Promise<Trial> {
  const { calls, fault } = options
  const seed = seeded(options.seed)
  const { attempts, told } = earlier.get(stand) ?? { attempts: [], told: new Set() }
  earlier.set(stand, { attempts, told })
  await stand.topUp()
  const traffic = startCallers({
    name: `${fault}-${options.seed}`,
    seed: seed.of('calls'),
    callers: stand.callers,
    urls: stand.urls,
    callsPerSecond: options.callsPerSecond,
  })
  const kills = await disturb(stand, seed, options, traffic.reached)
  await traffic.reached(calls)
  await traffic.stop()
  attempts.push(...traffic.attempts)
  let accounts: readonly AccountBooks[] = []
  let shown: ReadonlyMap<string, number | null> = new Map()
  let unrest = ''
  try {
    accounts = await booksAtRest(stand, options.restWithinMs)
    shown = await shownReceipts(stand.urls, stand.callers, attempts)
  } catch (error) {
    unrest = String(error)
  }
  const { happenings, holdMs, provider } = stand
  const all = compareBooks({ provider: provider.calls, attempts, accounts, shown, happenings, holdMs })
  const comparison = { ...all, wrong: all.wrong.filter(({ receipt }) => !told.has(receipt)) }
  // Without accounts the journal was not read: what seems to be missing there is no news.
  if (accounts.length > 0) for (const { receipt } of comparison.wrong) told.add(receipt)
  const wrong = unrest === '' ? faultTable(comparison) : unrest
  return {
    comparison,
    accounts,
    kills,
    fault: wrong === '' ? '' : `${wrong}\nAgain with: npm run faults -- ${flagsOf(options)}`,
    summary: boundTable(comparison),
  }
}

async function disturb(
  stand: Stand,
  seed: Seeded,
  { fault, calls, killEveryMs, awayMs }: TrialOptions,
  reached: (calls: number) => Promise<void>,
): Promise<number> {
  if (fault === 'random-kills') {
    const kills = startRandomKills(stand, seed.of('kills'), killEveryMs)
    await reached(calls)
    await kills.stop()
    return kills.count()
  }
  await reached(Math.floor(calls * 0.4))
  await faults[fault]({ stand, seed: seed.of('fault'), awayMs })
  return 1
}

function flagsOf({ seed, calls, fault, callsPerSecond, killEveryMs, awayMs }: TrialOptions): string {
  return [
    `--fault ${fault} --calls ${calls} --seed ${seed} --rate ${callsPerSecond}`,
    fault === 'random-kills' ? `--kill-every ${killEveryMs}` : `--away ${awayMs / 1_000}`,
  ].join(' ')
}
