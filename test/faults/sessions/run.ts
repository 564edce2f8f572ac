import { parseArgs } from 'node:util'
import { openStand } from '../stand.ts'
import { type BilledTime, billedTime } from './billed-time.ts'
import { openMediaServer } from './media-server.ts'
import { processes, victims } from './session-kills.ts'

/** `npm run faults -- sessions`: the long run of the fault tests of calls and meetings. Answers the exit code: 0 = each was billed for the time that it lasted. */
export async function runSessions(args: readonly string[], say: (line: string) => void): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      calls: { type: 'string', default: '60' },
      /** Seconds in which they begin, and that the longest lasts. */
      spread: { type: 'string', default: '60' },
      longest: { type: 'string', default: '240' },
      'kill-every': { type: 'string', default: '5000' },
      /** What is killed; all processes when left out, `none` for nothing. */
      kill: { type: 'string', multiple: true, default: [...processes] },
      /** Seconds by which the worker's clock is ahead, and gateway B's behind. */
      skew: { type: 'string', default: '0' },
      'keep-folders': { type: 'boolean', default: false },
    },
  })
  const among = victims.filter((victim) => values.kill.includes(victim))
  if (values.kill.some((name) => name !== 'none' && !among.includes(name as never))) {
    process.stderr.write(`--kill is none, ${victims.join(', ')}\n`)
    return 64
  }
  const skewMs = Number(values.skew) * 1_000
  const media = await openMediaServer()
  const stand = await openStand({
    holdSeconds: 6,
    accounts: 20,
    settings: media.settings,
    clockShiftMs: skewMs === 0 ? {} : { worker: skewMs, 'gateway B': -skewMs },
    say,
  })
  let failed = true
  try {
    const seed = Number(values.seed)
    const billed = await billedTime(stand, media, {
      name: `sessions-${seed}`,
      seed,
      calls: Number(values.calls),
      spreadMs: Number(values.spread) * 1_000,
      longestMs: Number(values.longest) * 1_000,
      killEveryMs: Number(values['kill-every']),
      among,
      restWithinMs: 300_000,
      say,
    })
    process.stdout.write(reportOf(billed, seed))
    failed = billed.fault !== ''
  } finally {
    await stand.close({ keepFolders: failed || values['keep-folders'] })
    await media.close()
    if (failed) say(`logs and data: ${stand.folder}`)
  }
  return failed ? 1 : 0
}

function reportOf(
  { calls, kills, minutes, billedMs, worstOffMs, corrections, fault }: BilledTime,
  seed: number,
): string {
  const killed = Object.entries(kills).map(([victim, count]) => `${victim} ${count}`)
  const runs = calls.filter(({ sliced }) => sliced).reduce((sum, call) => sum + call.runs, 0)
  return `
sessions, seed ${seed}: ${calls.length} calls, ${(billedMs / 1_000).toFixed(1)} s billed in ${minutes} minutes; killed: ${killed.join(', ')}
billed beside the truth, worst call: voice ${worstOffMs.voice} ms, meeting ${worstOffMs.meeting} ms; ${runs} runs of ${calls.filter(({ sliced }) => sliced).length} calls that continued as new; ${corrections} corrections
${fault === '' ? 'as it must be' : fault}
`
}
