import type { Command } from 'commander'
import { accountPath } from './client.ts'
import { barText, creditsText, tableText, timeText } from './print.ts'
import { Account, Balance, Granted, Grants, PlanChange, Token, Usage } from './shapes.ts'
import { keyCommands } from './key.ts'
import { type Cli, once, wholeNumber, withReason } from './cli.ts'

interface Why {
  readonly reason: string
  readonly by: string
}

interface NewGrant extends Why {
  readonly source: string
  readonly resets?: true
  readonly periods?: number
  readonly key?: string
}

/** `tollgate account …`: one user's account. */
export function accountCommands(cli: Cli, program: Command): void {
  const account = program.command('account').description('look at an account, and change it')

  account
    .command('show <account>')
    .description('balance, usage of this period, and grants')
    .action((accountId: string) =>
      cli.run(async (client) => {
        const [shown, balance, usage, grants] = await Promise.all([
          client.ask('GET', accountPath(accountId)).then((answer) => Account.loose().parse(answer)),
          client.asUser(accountId, '/credits/v1/balance').then((answer) => Balance.loose().parse(answer)),
          client.asUser(accountId, '/credits/v1/usage').then((answer) => Usage.loose().parse(answer)),
          client.asUser(accountId, '/credits/v1/grants?limit=10').then((answer) => Grants.loose().parse(answer)),
        ])
        return {
          answer: { account: shown, balance, usage, grants },
          text: () => showText(shown, balance, usage, grants),
        }
      }),
    )

  withReason(account.command('grant <account> <credits>').description('give credits, live at once'))
    .option('--source <source>', 'adjustment, pack, welcome, promo, referral or refund', 'adjustment')
    .option('--resets', 'lost at the end of the period')
    .option('--periods <number>', 'billing periods that they last, this one included', wholeNumber)
    .option('--key <key>', 'the grant’s id: the same one again grants nothing more')
    .action((accountId: string, credits: string, options: NewGrant) =>
      cli.run(async (client) => {
        const { reason, by, source, resets, periods, key } = options
        const body = {
          credits,
          source,
          ...(resets === undefined ? {} : { resets }),
          ...(periods === undefined ? {} : { periods }),
          reason,
          by,
        }
        const answer = Granted.loose().parse(
          await once(key, (idempotencyKey) =>
            client.ask('POST', `${accountPath(accountId)}/grants`, { body, idempotencyKey }),
          ),
        )
        return { answer, text: () => grantedText('granted', answer) }
      }),
    )

  withReason(account.command('refund <account> <receipt> [credits]').description('give back what a charge took'))
    .option('--resets', 'lost at the end of the period')
    .action((accountId: string, receipt: string, credits: string | undefined, options: Why & { resets?: true }) =>
      cli.run(async (client) => {
        const { reason, by, resets } = options
        const answer = Granted.loose().parse(
          await client.ask('POST', `${accountPath(accountId)}/refunds`, {
            body: {
              receipt,
              ...(credits === undefined ? {} : { credits }),
              ...(resets === undefined ? {} : { resets }),
              reason,
              by,
            },
          }),
        )
        return { answer, text: () => grantedText('refunded', answer) }
      }),
    )

  withReason(
    account.command('take-back <account> <credits>').description('take credits back; what is not there is owed'),
  )
    .option('--key <key>', 'its id: the same one again takes nothing more')
    .action((accountId: string, credits: string, { reason, by, key }: Why & { key?: string }) =>
      cli.run(async (client) => {
        const answer = Granted.loose().parse(
          await once(key, (idempotencyKey) =>
            client.ask('POST', `${accountPath(accountId)}/take-backs`, {
              body: { credits, reason, by },
              idempotencyKey,
            }),
          ),
        )
        return { answer, text: () => grantedText('took back', answer) }
      }),
    )

  withReason(
    account.command('plan <account> <plan>').description('change the plan: up at once, down at the period’s end'),
  ).action((accountId: string, plan: string, { reason, by }: Why) =>
    cli.run(async (client) => {
      const answer = PlanChange.loose().parse(
        await client.ask('PUT', `${accountPath(accountId)}/plan`, { body: { plan, reason, by } }),
      )
      return { answer, text: () => `plan ${answer.plan} from ${timeText(answer.from)} UTC` }
    }),
  )

  account
    .command('token <account>')
    .description('a user token for 15 minutes, to see what the user sees')
    .action((accountId: string) =>
      cli.run(async (client) => {
        const answer = Token.loose().parse(await client.ask('POST', `${accountPath(accountId)}/tokens`, { body: {} }))
        return { answer, text: () => answer.token }
      }),
    )

  keyCommands(cli, account)
}

function showText(
  {
    accountId,
    email,
    plan,
    pendingPlan,
    timeZone,
    period,
    periodStart,
    periodEnd,
    employees,
  }: ReturnType<typeof Account.parse>,
  { total, remaining, held, used, projection }: ReturnType<typeof Balance.parse>,
  usage: ReturnType<typeof Usage.parse>,
  grants: ReturnType<typeof Grants.parse>,
): string {
  const later = pendingPlan === null ? '' : `, ${pendingPlan.name} from ${timeText(pendingPlan.from)}`
  const runsOut =
    projection?.runOutAt == null ? '' : `   at this pace nothing is left on ${timeText(projection.runOutAt)}`
  const lines = usage.rows.flatMap((row) => [
    [row.label, creditsText(row.credits)],
    ...(row.children ?? []).map((child) => [`  ${child.label}`, creditsText(child.credits)]),
  ])
  return [
    `${accountId}   ${email}   ${plan.name}${later}   ${employees} employees`,
    `period ${period}: ${timeText(periodStart)} to ${timeText(periodEnd)} UTC, billed in ${timeZone}`,
    '',
    `${barText(remaining, total)}  ${creditsText(remaining)} credits left of ${creditsText(total)}`,
    `${creditsText(used)} used, ${creditsText(held)} held by calls that run now${runsOut}`,
    '',
    tableText(['Used for', 'Credits'], [...lines, ['Total', creditsText(usage.total)]], ['Credits']),
    '',
    grants.items.length === 0
      ? 'no grants'
      : tableText(
          ['Granted (UTC)', 'Source', 'Detail', 'Credits', 'Left', 'Status', 'Id'],
          grants.items.map(({ at, source, detail, amount, left, status, id }) => [
            timeText(at),
            source,
            detail,
            creditsText(amount),
            creditsText(left),
            status,
            id,
          ]),
          ['Credits', 'Left'],
        ),
  ].join('\n')
}

function grantedText(what: string, { id, amount, balance }: ReturnType<typeof Granted.parse>): string {
  const now =
    balance === null
      ? 'the ledger cannot be read now'
      : `${creditsText(balance.remaining)} left of ${creditsText(balance.total)}`
  return `${what} ${creditsText(amount)} credits as ${id}; ${now}`
}
