import type { Work } from '../../middleware/gate.ts'
import type { PastPrices, Tier } from './past-prices.ts'

/** Work that was done once, and what it cost. */
export interface PastWork {
  readonly atMs: number
  readonly work: Work
}

export interface PastWorker {
  readonly id: string
  readonly tier: Tier
  /** Of a working day. */
  readonly messages: number
}

/** From 0 up to 1. */
export type Random = () => number

const [secondMs, minuteMs, hourMs, dayMs] = [1_000, 60_000, 3_600_000, 86_400_000]

/** What somebody does on the day that begins at `startMs`, in order: messages with all that goes with them, and now and then a call. */
export function workOfDay(
  prices: PastPrices,
  worker: PastWorker,
  startMs: number,
  random: Random,
): readonly PastWork[] {
  const weekday = new Date(startMs).getUTCDay()
  const isWeekend = weekday === 0 || weekday === 6
  const count = Math.round(worker.messages * (isWeekend ? 0.15 : 0.7 + 0.6 * random()))
  const done: PastWork[] = []
  for (let number = 0; number < count; number += 1) {
    const beginMs = startMs + 8 * hourMs + Math.floor(random() * 10 * hourMs)
    done.push(...workOfMessage(prices, worker, `demo-${worker.id}-${startMs / dayMs}-${number}`, beginMs, random))
  }
  if (!isWeekend && random() < 0.12) {
    const [name, most] = random() < 0.5 ? (['voice', 3] as const) : (['meeting', 9] as const)
    const ms = Math.floor((1 + random() * most) * minuteMs)
    const when = { employee: worker.id, messageId: '', atMs: startMs + 15 * hourMs + ms }
    done.push({ atMs: when.atMs, work: prices.minutes(when, name, ms) })
  }
  return done.toSorted((one, other) => one.atMs - other.atMs)
}

function workOfMessage(
  prices: PastPrices,
  { id: employee, tier }: PastWorker,
  messageId: string,
  beginMs: number,
  random: Random,
): readonly PastWork[] {
  const between = (from: number, to: number): number => Math.floor(from + random() * (to - from))
  const done: PastWork[] = []
  let atMs = beginMs
  const after = (ms: number, work: (when: { employee: string; messageId: string; atMs: number }) => Work): void => {
    atMs += ms
    done.push({ atMs, work: work({ employee, messageId, atMs }) })
  }
  after(400, (when) => prices.modelCall(when, { tier: 'fast', internal: 'safety', inputTokens: 320, outputTokens: 20 }))
  for (let calls = between(1, 4); calls > 0; calls -= 1) {
    const [inputTokens, outputTokens] = [between(6_000, 40_000), between(400, 4_000)]
    after(between(8, 90) * secondMs, (when) => prices.modelCall(when, { tier, inputTokens, outputTokens }))
  }
  for (let calls = between(0, 4); calls > 0; calls -= 1) {
    const app = ['gmail', 'slack', 'notion'][between(0, 3)]!
    after(between(400, 2_000), (when) => prices.activity(when, 'connected_app.call', app))
  }
  if (random() < 0.04) {
    const image = random() < 0.3 ? 'image.hd' : 'image.standard'
    after(12 * secondMs, (when) => prices.activity(when, image))
  }
  if (random() < 0.5) after(100, (when) => prices.activity(when, 'task.completed'))
  const inputTokens = between(500, 2_500)
  after(900, (when) => prices.modelCall(when, { tier: 'fast', internal: 'memory', inputTokens, outputTokens: 120 }))
  after(1, (when) => prices.minutes(when, 'compute.runtime', when.atMs - beginMs))
  return done
}
