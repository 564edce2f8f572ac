import { creditsText } from './statement.ts'

/** A session as the feed and `GET /credits/v1/sessions/:id` tell it; amounts in micro-credits. */
export interface CallNow {
  readonly id: string
  readonly state: 'starting' | 'live' | 'ending' | 'ended' | 'refused'
  readonly seconds: number
  readonly rate: number
  readonly credits: number
  readonly endReason: string | null
  readonly warning: { readonly secondsLeft: number } | null
}

const width = 30

const endWords: Readonly<Record<string, string>> = {
  requested: 'you ended it',
  credits: 'credits ran out',
  budget: 'the budget was reached',
  connection_lost: 'the connection was lost',
  longest: 'it reached its longest time',
  left: 'everybody left',
}

/** One line: how long, what for, how far into the minute, and a warning where little is left. */
export function callLine({ seconds, credits, warning }: CallNow): string {
  const done = Math.floor(((seconds % 60) * width) / 60)
  const meter = `${'█'.repeat(done)}${'░'.repeat(width - done)}`
  const left = warning === null ? '' : ` · ${clock(warning.secondsLeft)} left`
  return `${clock(seconds)}  ${meter}  ${creditsText(credits)} credits${left}`
}

/** Why it ended, what it cost, and the receipts that say so. */
export function callEnd(
  { seconds, credits, endReason }: CallNow,
  minutes: readonly { readonly charged: number; readonly quantity: number }[],
): string {
  const total = minutes.reduce((sum, { charged }) => sum + charged, 0)
  return [
    `ended: ${endWords[endReason ?? ''] ?? endReason} · ${clock(seconds)} · ${creditsText(credits)} credits`,
    ...minutes.map(
      ({ charged, quantity }, minute) =>
        `  minute ${minute + 1}  ${(quantity / 1_000).toFixed(1).padStart(5)} s  ${creditsText(charged)}`,
    ),
    total === credits
      ? 'The receipts add up to the micro-credit.'
      : `The receipts do NOT add up: they come to ${creditsText(total)}.`,
  ].join('\n')
}

function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
