import { setTimeout as pause } from 'node:timers/promises'
import { oldAccount } from './accounts/old-account.ts'
import { type Actions, openStand } from './accounts/stand.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'

interface Effort {
  readonly chargesPerSecond: number
  readonly seconds: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { chargesPerSecond: 100, seconds: 60 },
  quick: { chargesPerSecond: 50, seconds: 6 },
}

/** What a busy account costs in actions of Temporal's, and how large an account grows. */
export async function accountsSuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const figures = [...(await actions(efforts[quick ? 'quick' : 'full'], say)), ...sizes()]
  return { figures, void: '' }
}

async function actions({ chargesPerSecond, seconds }: Effort, say: SuiteOptions['say']): Promise<readonly Figure[]> {
  say('starting Redis, Temporal and a worker')
  const stand = await openStand()
  try {
    const accountId = await stand.openAccount()
    // Until then ids of the account are asked for in the journal.
    await pause(2_500)
    const before = { own: await stand.actionsOf(accountId), beats: stand.heartbeats() }
    say(`${chargesPerSecond} charges a second for ${seconds} s`)
    const charges = chargesPerSecond * seconds
    const startedMs = performance.now()
    for (let made = 0; made < charges;) {
      const due = Math.min(charges, Math.ceil(((performance.now() - startedMs) / 1_000) * chargesPerSecond))
      const batch = Array.from({ length: due - made }, () => stand.charge(accountId))
      made = due
      await Promise.all(batch)
      await pause(10)
    }
    const tookSeconds = (performance.now() - startedMs) / 1_000
    const own = less(await stand.actionsOf(accountId), before.own)
    const beats = stand.heartbeats() - before.beats
    const per1000 = (count: number): number => (1_000 * count) / charges
    return [
      figure('charges a second of the busy account', charges / tookSeconds, '/s'),
      figure('its workflow: updates per 1,000 charges', per1000(own.updates), 'actions'),
      figure(
        'its workflow: timers, activities and signals per 1,000 charges',
        per1000(own.timers + own.activities + own.signals),
        'actions',
      ),
      figure('heartbeats of the reconciler, for all accounts together', (60 * beats) / tookSeconds, 'a minute'),
      figure('heartbeats of the reconciler per 1,000 charges, all for this account', per1000(beats), 'actions'),
      figure(
        'actions per 1,000 charges of a busy account, with those heartbeats',
        per1000(sum(own) + beats),
        'actions',
        {
          atMost: 5,
        },
      ),
    ]
  } finally {
    await stand.close()
  }
}

function sizes(): readonly Figure[] {
  const kb = (months: number): number => Buffer.byteLength(JSON.stringify(oldAccount(months))) / 1_000
  return [
    figure('account state after a month', kb(1), 'kB'),
    figure('account state after a year', kb(12), 'kB'),
    figure('account state after three years', kb(36), 'kB', { atMost: 200 }),
    figure('account state after ten years', kb(120), 'kB'),
  ]
}

function less(one: Actions, other: Actions): Actions {
  return {
    updates: one.updates - other.updates,
    timers: one.timers - other.timers,
    activities: one.activities - other.activities,
    signals: one.signals - other.signals,
  }
}

const sum = ({ updates, timers, activities, signals }: Actions): number => updates + timers + activities + signals

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})
