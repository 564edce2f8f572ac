import type { Command } from 'commander'
import { type Cli, withReason } from './cli.ts'
import { accountPath } from './client.ts'
import { tableText, timeText } from './print.ts'
import { Key, Keys, NewKey } from './shapes.ts'

/** `tollgate account key …`: an account's API keys. */
export function keyCommands(cli: Cli, account: Command): void {
  const key = account.command('key').description('API keys: list, make, revoke')

  key
    .command('list <account>')
    .description('newest first, revoked ones included')
    .action((accountId: string) =>
      cli.run(async (client) => {
        const answer = Keys.loose().parse(await client.ask('GET', `${accountPath(accountId)}/keys`))
        return { answer, text: () => keysText(answer.items) }
      }),
    )

  withReason(key.command('create <account>').description('make a key; its secret is shown once'))
    .option('--name <name>', 'what it is for', 'default')
    .option('--employees <ids>', 'the only employees it may be used for, with commas between')
    .option('--creates-employees', 'an employee named for the first time is created')
    .action(
      (
        accountId: string,
        options: { name: string; employees?: string; createsEmployees?: true; reason: string; by: string },
      ) =>
        cli.run(async (client) => {
          const { name, employees, createsEmployees = false, reason, by } = options
          const answer = NewKey.loose().parse(
            await client.ask('POST', `${accountPath(accountId)}/keys`, {
              body: { name, employees: employees?.split(',') ?? null, createsEmployees, reason, by },
            }),
          )
          return { answer, text: () => `${answer.secret}\n\nkey ${answer.id}; the secret is not shown again` }
        }),
    )

  withReason(key.command('revoke <account> <key>').description('end a key, on every gateway within a second')).action(
    (accountId: string, keyId: string, { reason, by }: { reason: string; by: string }) =>
      cli.run(async (client) => {
        const answer = Key.loose().parse(
          await client.ask('DELETE', `${accountPath(accountId)}/keys/${encodeURIComponent(keyId)}`, {
            query: { reason, by },
          }),
        )
        return { answer, text: () => `key ${answer.id} was revoked at ${timeText(answer.revokedAt)} UTC` }
      }),
  )
}

function keysText(keys: readonly ReturnType<typeof Key.parse>[]): string {
  if (keys.length === 0) return 'no keys'
  return tableText(
    ['Id', 'Name', 'Employees', 'Made (UTC)', 'Revoked (UTC)'],
    keys.map(({ id, name, employees, createdAt, revokedAt }) => [
      id,
      name,
      employees === null ? 'any' : employees.join(', '),
      timeText(createdAt),
      timeText(revokedAt),
    ]),
  )
}
