import { parseArgs } from 'node:util'
import { openStand } from '../stand.ts'
import { billedRuntime } from './billed-runtime.ts'
import { chargedOnce } from './charged-once.ts'
import { parkedResume } from './parked-resume.ts'

const trials = ['charges', 'runtime', 'parked'] as const

/** `npm run faults -- plugin`: the long runs of the fault tests of the plugin. Answers the exit code: 0 = the books say what they must. */
export async function runPlugin(args: readonly string[], say: (line: string) => void): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      trial: { type: 'string', multiple: true, default: [...trials] },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: '3' },
      'kill-every': { type: 'string', default: '5000' },
      activities: { type: 'string', default: '10000' },
      /** Of research, its pieces, and how long a killed worker may be billed beyond its death. */
      runs: { type: 'string', default: '12' },
      pieces: { type: 'string', default: '30' },
      lease: { type: 'string', default: '30' },
      parked: { type: 'string', default: '300' },
      grant: { type: 'string', default: '1000' },
    },
  })
  const unknown = values.trial.filter((name) => !trials.includes(name as never))
  if (unknown.length > 0) {
    process.stderr.write(`--trial is ${trials.join(', ')}\n`)
    return 64
  }
  const [seed, workers, killEveryMs] = [values.seed, values.workers, values['kill-every']].map(Number) as [
    number,
    number,
    number,
  ]
  const common = { seed, workers, killEveryMs, restWithinMs: 600_000, say }
  const stand = await openStand({ holdSeconds: 6, accounts: 6, say })
  const faults: string[] = []
  const tell = (fault: string, ...lines: readonly string[]): void => {
    faults.push(fault)
    process.stdout.write(`\n${[...lines, fault === '' ? 'as it must be' : fault].join('\n')}\n`)
  }
  try {
    if (values.trial.includes('charges')) {
      say('charges: begins')
      const { successes, charges, chargedMicro, lost, kills, tookMs, fault } = await chargedOnce(stand, {
        ...common,
        activities: Number(values.activities),
      })
      tell(
        fault,
        `charges, seed ${seed}: ${successes} successes in ${seconds(tookMs)}, ${kills} kills, ${lost} activities were under way in a worker that died`,
        `${charges} charges, ${chargedMicro} µcr`,
      )
    }
    if (values.trial.includes('runtime')) {
      say('runtime: begins')
      const leaseMs = Number(values.lease) * 1_000
      const { runs, kills, fault } = await billedRuntime(stand, {
        ...common,
        leaseMs,
        runs: Number(values.runs),
        pieces: Number(values.pieces),
      })
      const sum = (name: 'truthMs' | 'billedMs' | 'deaths'): number => runs.reduce((total, run) => total + run[name], 0)
      const besides = runs.map(({ truthMs, billedMs }) => Math.round(billedMs - truthMs)).toSorted((a, b) => a - b)
      tell(
        fault,
        `runtime, seed ${seed}: ${runs.length} runs, ${kills} kills, ${sum('deaths')} times under a run; lease ${seconds(leaseMs)}`,
        `under way ${seconds(sum('truthMs'))}, billed ${seconds(sum('billedMs'))}; a run from ${besides.at(0)} to ${besides.at(-1)} ms besides`,
      )
    }
    if (values.trial.includes('parked')) {
      say('parked: begins')
      const { tookMs, resumed, signals, fault } = await parkedResume(stand, {
        ...common,
        leaseMs: Number(values.lease) * 1_000,
        runs: Number(values.parked),
        grantCredits: Number(values.grant),
      })
      tell(fault, `parked: ${resumed} runs went on, ${signals} signals, all over ${seconds(tookMs)} after the grant`)
    }
  } finally {
    const failed = faults.length === 0 || faults.some((fault) => fault !== '')
    await stand.close({ keepFolders: failed })
    if (failed) say(`logs and data: ${stand.folder}`)
  }
  return faults.every((fault) => fault === '') ? 0 : 1
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
