// `npm run faults -- --calls 10000 --seed 7`: the long run of the fault tests; `npm run faults -- plugin …` of those of the Temporal plugin,
// `npm run faults -- sessions …` of those of calls and meetings.
// Exit code 0 = every book says what it must.
import { parseArgs } from 'node:util'
import { type FaultName, faults } from './faults.ts'
import { runPlugin } from './plugin/run.ts'
import { settledTogether } from './at-rest.ts'
import { runSessions } from './sessions/run.ts'
import { openStand } from './stand.ts'
import { runTrial, type Trial } from './trial.ts'

const startedAtMs = Date.now()
const say = (line: string): void =>
  void process.stderr.write(`${((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`)

if (process.argv[2] === 'plugin') process.exit(await runPlugin(process.argv.slice(3), say))
if (process.argv[2] === 'sessions') process.exit(await runSessions(process.argv.slice(3), say))

const { values } = parseArgs({
  options: {
    /** May be given several times: one after the other, on one stand. `each` is every single one. */
    fault: { type: 'string', multiple: true, default: ['random-kills'] },
    calls: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '40' },
    'kill-every': { type: 'string', default: '1000' },
    away: { type: 'string', default: '60' },
    hold: { type: 'string', default: '6' },
    'keep-folders': { type: 'boolean', default: false },
  },
})
const single = Object.keys(faults) as FaultName[]
const chosen = values.fault.flatMap((name) => (name === 'each' ? single : [name as FaultName | 'random-kills']))
if (chosen.some((name) => name !== 'random-kills' && !single.includes(name))) {
  process.stderr.write(`--fault is random-kills, each, ${single.join(', ')}\n`)
  process.exit(64)
}
const stand = await openStand({ holdSeconds: Number(values.hold), accounts: 20, say })
let failed = false
try {
  for (const fault of chosen) {
    say(`${fault}: begins`)
    const trial = await runTrial(stand, {
      fault,
      calls: Number(values.calls),
      seed: Number(values.seed),
      callsPerSecond: Number(values.rate),
      killEveryMs: Number(values['kill-every']),
      awayMs: Number(values.away) * 1_000,
      restWithinMs: 300_000,
    })
    say(`${fault}: ends`)
    process.stdout.write(reportOf(fault, trial))
    failed ||= trial.fault !== ''
    if (failed) break
  }
} catch (error) {
  failed = true
  throw error
} finally {
  await stand.close({ keepFolders: failed || values['keep-folders'] })
}
if (failed) process.stdout.write(`logs and data: ${stand.folder}\n`)
process.exit(failed ? 1 : 0)

function reportOf(name: string, { comparison: { lines }, summary, kills, accounts, fault }: Trial): string {
  const sum = (of: 'billed' | 'charged' | 'uncollected'): number => lines.reduce((total, line) => total + line[of], 0)
  const corrections = accounts.reduce((total, account) => total + account.corrections, 0)
  return `
${summary}

${name}, seed ${values.seed}: ${lines.length} charges so far, ${kills} kills, ${corrections} corrections so far
billed ${sum('billed')} µcr, charged ${sum('charged')}, uncollected ${sum('uncollected')}
${settledTogether(accounts)} charges settled in company so far
${fault === '' ? 'every book says what it must' : fault}
`
}
