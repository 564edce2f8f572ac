// The operator's command line: `npx --no tollgate account show <account>`. Speaks to a gateway's admin API and opens nothing by itself.
import { Command } from 'commander'
import { accountCommands } from './cli/account.ts'
import { auditCommand } from './cli/audit.ts'
import { createCli } from './cli/cli.ts'
import { promoCommands } from './cli/promo.ts'
import { version } from './version.ts'

const program = new Command('tollgate')
  .description('Operate Tollgate: accounts, credits, plans and keys. Every change is kept with who and why.')
  .version(version())
  .option('--json', 'answer as JSON')
  .showHelpAfterError()
  .addHelpText(
    'after',
    '\nWhich gateway: TOLLGATE_URL and ADMIN_KEY; without them the stack that npm start runs in this folder.',
  )
const cli = createCli({
  environment: process.env,
  asJson: () => program.opts<{ json?: true }>().json === true,
  out: (text) => void process.stdout.write(`${text}\n`),
  complain: (text) => void process.stderr.write(`${text}\n`),
  fail: () => void (process.exitCode = 1),
})
accountCommands(cli, program)
promoCommands(cli, program)
auditCommand(cli, program)
await program.parseAsync()
