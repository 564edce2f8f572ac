// `npm run bench -- <suite> [--json] [--quick]`: measures on this machine. Exit code 0 = every goal reached, 1 = one missed, 2 = void.
import { parseArgs } from 'node:util'
import { exitCode, jsonLines, table } from './report.ts'
import type { Suite } from './suite.ts'

const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  gateway: async () => (await import('./gateway.ts')).gatewaySuite,
  ledger: async () => (await import('./ledger.ts')).ledgerSuite,
  plugin: async () => (await import('./plugin.ts')).pluginSuite,
  accounts: async () => (await import('./accounts.ts')).accountsSuite,
  sessions: async () => (await import('./sessions.ts')).sessionsSuite,
  web: async () => (await import('./web.ts')).webSuite,
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const [name = ''] = positionals
if (!Object.hasOwn(suites, name)) {
  process.stderr.write(`npm run bench -- <${Object.keys(suites).join(' | ')}> [--json] [--quick]\n`)
  process.exit(64)
}
const suite = await suites[name]!()
const measured = await suite({ quick: values.quick, say: (line) => void process.stderr.write(`${line}\n`) })
process.stdout.write(`${(values.json ? jsonLines(measured) : table(measured)).join('\n')}\n`)
if (measured.void !== '') process.stderr.write(`void: ${measured.void}\n`)
process.exit(exitCode(measured))
