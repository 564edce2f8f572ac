import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { tableText, timeText } from './print.ts'
import { AuditEntries } from './shapes.ts'

/** `tollgate audit`: what operators changed. */
export function auditCommand(cli: Cli, program: Command): void {
  program
    .command('audit [account]')
    .description('what operators changed, newest first; of one account, or of all')
    .option('--limit <entries>', 'how many', '50')
    .option('--cursor <cursor>', 'where the last page ended')
    .action((account: string | undefined, { limit, cursor }: { limit: string; cursor?: string }) =>
      cli.run(async (client) => {
        const answer = AuditEntries.loose().parse(
          await client.ask('GET', '/admin/v1/audit', { query: { account, limit, cursor } }),
        )
        return { answer, text: () => entriesText(answer) }
      }),
    )
}

function entriesText({ items, next }: ReturnType<typeof AuditEntries.parse>): string {
  if (items.length === 0) return 'nothing was changed'
  const entries = tableText(
    ['At (UTC)', 'Account', 'Who', 'What', 'Why', 'Outcome'],
    items.map(({ at, accountId, who, action, why, outcome }) => [
      timeText(at),
      accountId,
      who,
      action.replace('/admin/v1/', ''),
      why,
      outcome ?? 'unknown',
    ]),
  )
  return next === null ? entries : `${entries}\n\nolder ones: --cursor ${next}`
}
