import type { Command } from 'commander'
import { type Cli, wholeNumber, withReason } from './cli.ts'
import { creditsText, tableText, timeText } from './print.ts'
import { PromoCode, PromoCodes } from './shapes.ts'

interface NewPromo {
  readonly from?: string
  readonly until?: string
  readonly most?: number
  readonly perPerson: number
  readonly resets?: true
  readonly periods?: number
  readonly reason: string
  readonly by: string
}

/** `tollgate promo …`: promo codes. */
export function promoCommands(cli: Cli, program: Command): void {
  const promo = program.command('promo').description('promo codes: list, make, end')

  promo
    .command('list')
    .description('all of them, with how often each was taken')
    .option('--cursor <code>', 'after this one')
    .action(({ cursor }: { cursor?: string }) =>
      cli.run(async (client) => {
        const answer = PromoCodes.loose().parse(await client.ask('GET', '/admin/v1/promo-codes', { query: { cursor } }))
        return { answer, text: () => codesText(answer) }
      }),
    )

  withReason(promo.command('create <code> <credits>').description('for whoever signs up with it'))
    .option('--from <instant>', 'good from this on, such as 2026-12-01T00:00:00Z')
    .option('--until <instant>', 'good before this')
    .option('--most <times>', 'how often in all', wholeNumber)
    .option('--per-person <times>', 'how often by one person', wholeNumber, 1)
    .option('--resets', 'its credits are lost at the end of the period')
    .option('--periods <number>', 'billing periods that its credits last, that of the sign-up included', wholeNumber)
    .action((code: string, credits: string, { from, until, most, perPerson, resets, periods, reason, by }: NewPromo) =>
      cli.run(async (client) => {
        const answer = PromoCode.loose().parse(
          await client.ask('POST', '/admin/v1/promo-codes', {
            body: {
              code,
              credits,
              keeps: resets === undefined,
              periods: periods ?? null,
              validFrom: from ?? null,
              validUntil: until ?? null,
              mostTaken: most ?? null,
              mostPerPerson: perPerson,
              reason,
              by,
            },
          }),
        )
        return { answer, text: () => codesText({ items: [answer], next: null }) }
      }),
    )

  withReason(promo.command('end <code>').description('nobody takes it any more')).action(
    (code: string, { reason, by }: { reason: string; by: string }) =>
      cli.run(async (client) => {
        const answer = PromoCode.loose().parse(
          await client.ask('DELETE', `/admin/v1/promo-codes/${encodeURIComponent(code)}`, { query: { reason, by } }),
        )
        return { answer, text: () => `${answer.code} has ended; it was taken ${answer.taken} times` }
      }),
  )
}

function codesText({ items, next }: ReturnType<typeof PromoCodes.parse>): string {
  if (items.length === 0) return 'no promo codes'
  const codes = tableText(
    ['Code', 'Credits', 'Last', 'Taken', 'Of', 'From (UTC)', 'Until (UTC)', 'Ended (UTC)'],
    items.map(({ code, amount, keeps, periods, taken, mostTaken, validFrom, validUntil, endedAt }) => [
      code,
      creditsText(amount),
      keeps ? (periods === null ? 'until used' : `${periods} periods`) : 'this period',
      String(taken),
      mostTaken === null ? 'any' : String(mostTaken),
      timeText(validFrom),
      timeText(validUntil),
      timeText(endedAt),
    ]),
    ['Credits', 'Taken', 'Of'],
  )
  return next === null ? codes : `${codes}\n\nmore: --cursor ${next}`
}
