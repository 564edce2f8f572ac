import { setTimeout as pause } from 'node:timers/promises'
import { creditsToMicro } from '../credits/money.ts'
import type { Figure, Goal, Measured, SuiteOptions } from './suite.ts'
import { openStand, type Stand } from './web/stand.ts'
import { watch } from './web/watch.ts'

interface Effort {
  readonly debits: number
  readonly burstSeconds: number
  readonly events: number
  readonly loads: number
}
const efforts: Record<'full' | 'quick', Effort> = {
  full: { debits: 200, burstSeconds: 30, events: 10_000, loads: 5 },
  quick: { debits: 10, burstSeconds: 2, events: 600, loads: 1 },
}
const usagePage = '/settings/subscription/credit-usage'
const amount = creditsToMicro('0.01')
const burstRate = 200

/** What a user waits for in the web app. The limits are those of the design. */
export async function webSuite({ quick, say }: SuiteOptions): Promise<Measured> {
  const effort = efforts[quick ? 'quick' : 'full']
  const stand = await openStand(say)
  try {
    const figures = [
      ...(await loads(stand, effort, say)),
      ...(await clicks(stand, say)),
      ...(await live(stand, effort, say)),
      ...(await reconnects(stand, say)),
    ]
    return { figures, void: '' }
  } finally {
    await stand.close()
  }
}

interface Load {
  readonly readyMs: number
  readonly paintMs: number
  readonly blockedMs: number
  readonly shift: number
}

async function loads(stand: Stand, { loads: rounds }: Effort, say: SuiteOptions['say']): Promise<readonly Figure[]> {
  say('loading the usage page')
  const measured = async (throttle: number): Promise<readonly Load[]> => {
    const all: Load[] = []
    for (let round = 0; round < rounds; round += 1) all.push(await load(stand, throttle))
    return all
  }
  const [plain, slow] = [await measured(1), await measured(4)]
  const typical = (all: readonly Load[], of: (one: Load) => number): number => percentile(all.map(of), 50)
  return [
    figure(
      'usage page: bar and table are there',
      typical(plain, ({ readyMs }) => readyMs),
      'ms',
      { atMost: 1_000 },
    ),
    figure(
      'usage page at a quarter of the CPU: bar and table',
      typical(slow, ({ readyMs }) => readyMs),
      'ms',
      {
        atMost: 2_500,
      },
    ),
    figure(
      'usage page at a quarter of the CPU: largest paint',
      typical(slow, ({ paintMs }) => paintMs),
      'ms',
      {
        atMost: 2_500,
      },
    ),
    figure(
      'usage page at a quarter of the CPU: time blocked',
      typical(slow, ({ blockedMs }) => blockedMs),
      'ms',
      {
        atMost: 900,
      },
    ),
    figure(
      'usage page at a quarter of the CPU: layout shift',
      typical(slow, ({ shift }) => shift),
      '',
      {
        atMost: 0.02,
      },
    ),
  ]
}

async function load(stand: Stand, throttle: number): Promise<Load> {
  const page = await stand.open()
  const watched = await watch(page)
  await watched.throttle(throttle)
  await page.goto(usagePage)
  const readyMs = await watched.ready()
  // What comes late still shifts and blocks
  await pause(1_500)
  const seen = await watched.seen()
  await page.context().close()
  return { readyMs, ...seen }
}

async function clicks(stand: Stand, say: SuiteOptions['say']): Promise<readonly Figure[]> {
  say('opening rows and the dropdown')
  const page = await stand.open()
  const watched = await watch(page)
  await page.goto(usagePage)
  await page.locator('[data-key=ai_usage] [aria-expanded=false]').waitFor()
  const rowMs = await watched.opens('[data-key=ai_usage] [aria-expanded]', '[data-key=ai_usage] [aria-expanded=true]')
  const menuMs = await watched.opens('.cr-bar-button', '.cr-menu:popover-open .cr-menu-count')
  await page.context().close()
  return [
    figure('a row of the table opens', rowMs, 'ms', { atMost: 100 }),
    figure('the dropdown opens', menuMs, 'ms', { atMost: 100 }),
  ]
}

async function live(
  stand: Stand,
  { debits, burstSeconds, events }: Effort,
  say: SuiteOptions['say'],
): Promise<readonly Figure[]> {
  const page = await stand.open()
  const watched = await watch(page)
  await page.goto(usagePage)
  await page.locator('.cr-bar[data-status=live]').waitFor()
  // The first charge loads and learns what the others need not
  const first = await stand.debit(amount)
  await watched.painted(first.version)

  say(`${debits} debits, one after the other`)
  const delays: number[] = []
  for (let made = 0; made < debits; made += 1) {
    await pause(80 + Math.random() * 80)
    delays.push(await delayOf(stand, watched))
  }
  const heapBefore = await watched.heap()
  await watched.longestTask()
  say(`${burstRate} debits a second for ${burstSeconds} s`)
  const inBurst: number[] = []
  let told = await burst(stand, burstSeconds, async () => void inBurst.push(await delayOf(stand, watched)))
  const longest = await watched.longestTask()
  say(`${events} events in all`)
  while (told < events) told += await burst(stand, Math.min(10, (events - told) / burstRate))
  await watched.painted((await stand.debit(amount)).version)
  const grownMb = ((await watched.heap()) - heapBefore) / 1_000_000

  await watched.hide()
  const unseen = await stand.debit(amount)
  const hiddenMs = Math.max(0, (await watched.knew(unseen.version)) - unseen.committedMs)
  await page.context().close()
  return [
    figure('debit committed to bar painted, median', percentile(delays, 50), 'ms', { atMost: 60 }),
    figure('debit committed to bar painted, 95 of 100', percentile(delays, 95), 'ms', { atMost: 150 }),
    figure('debit committed to bar painted, worst', percentile(delays, 100), 'ms', { atMost: 500 }),
    figure(`the same at ${burstRate} debits a second, 95 of 100`, percentile(inBurst, 95), 'ms', { atMost: 250 }),
    figure(`longest task at ${burstRate} debits a second`, longest, 'ms', { atMost: 100 }),
    figure(`heap grown by ${events} events`, grownMb, 'MB', { atMost: 10 }),
    figure('debit committed to a hidden tab that knows it', hiddenMs, 'ms', { atMost: 1_500 }),
  ]
}

async function delayOf(stand: Stand, watched: Awaited<ReturnType<typeof watch>>): Promise<number> {
  const { version, committedMs } = await stand.debit(amount)
  // It may be on the page before its answer is here
  return Math.max(0, (await watched.painted(version)) - committedMs)
}

/** Charges at the rate; `sample` is one more, each quarter of a second. Answers how many were made. */
async function burst(stand: Stand, seconds: number, sample?: () => Promise<void>): Promise<number> {
  const total = Math.ceil(seconds * burstRate)
  const startedMs = performance.now()
  const samples: Promise<void>[] = []
  let nextSampleMs = 0
  for (let made = 0; made < total;) {
    const elapsedMs = performance.now() - startedMs
    const due = Math.min(total, Math.ceil((elapsedMs / 1_000) * burstRate))
    const batch = Array.from({ length: due - made }, () => stand.charge(amount))
    made = due
    if (sample !== undefined && elapsedMs >= nextSampleMs) {
      nextSampleMs = elapsedMs + 250
      samples.push(sample())
    }
    await Promise.all(batch)
    await pause(5)
  }
  await Promise.all(samples)
  return total
}

async function reconnects(stand: Stand, say: SuiteOptions['say']): Promise<readonly Figure[]> {
  say('cutting the page off until it says so, and back')
  const page = await stand.open()
  const watched = await watch(page)
  await page.goto(usagePage)
  await watched.became('data-status', 'live')
  const mend = stand.cutOff()
  await watched.left('data-status', 'live')
  const { version } = await stand.debit(amount)
  const mendedMs = performance.timeOrigin + performance.now()
  mend()
  const rightMs = await watched.painted(version)
  await page.context().close()
  return [figure('server back to bar right again', rightMs - mendedMs, 'ms', { atMost: 5_000 })]
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1))] ?? 0
}

const figure = (name: string, value: number, unit: string, goal: Goal | null = null): Figure => ({
  name,
  value,
  unit,
  goal,
})
