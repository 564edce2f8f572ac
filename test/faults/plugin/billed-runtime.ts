import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client'
import { booksAtRest } from '../at-rest.ts'
import { seeded } from '../seeded.ts'
import { isPoor, type Stand } from '../stand.ts'
import { type Company, openCompany } from './company.ts'
import { unionMs } from './notes.ts'
import { startWorkerKills } from './worker-kills.ts'
import { research } from './workflows.ts'

export interface BilledRuntimeOptions {
  readonly seed: number
  readonly runs: number
  /** Pieces of research that one line of a run has after each other, two seconds each in the middle. */
  readonly pieces: number
  readonly workers: number
  readonly leaseMs: number
  readonly killEveryMs: number
  readonly restWithinMs: number
  readonly say?: (line: string) => void
}

/** One run: when its activities were under way, by what they said themselves, and what was billed. */
export interface RunOfResearch {
  readonly truthMs: number
  readonly billedMs: number
  /** Processes that died while they ran something of it. */
  readonly deaths: number
}

export interface BilledRuntime {
  readonly runs: readonly RunOfResearch[]
  readonly kills: number
  /** '' when each run was billed what it ran, but for a lease with each worker that died under it. */
  readonly fault: string
}

/** What goes by between a meter's look and an activity's own on a busy machine: of each run, whatever its length. */
const toleranceMs = 1_000
/** µcr of a minute at the shipped price. */
const perMinute = 1_000_000

/** Runs with activities over each other while their workers are killed, and a comparison of what they said themselves with the receipts. */
export async function billedRuntime(stand: Stand, options: BilledRuntimeOptions): Promise<BilledRuntime> {
  const { workers, leaseMs, say } = options
  const company = await openCompany(stand, { workers, leaseMs, ...(say === undefined ? {} : { say }) })
  try {
    return await compareRuntime(stand, company, options)
  } finally {
    await company.close()
  }
}

async function compareRuntime(
  stand: Stand,
  company: Company,
  { runs: count, pieces, leaseMs, killEveryMs, restWithinMs, ...options }: BilledRuntimeOptions,
): Promise<BilledRuntime> {
  const seed = seeded(options.seed)
  const account = stand.callers.find((_, index) => !isPoor(index))!.accountId
  const lengths = seed.of('research')
  const line = () => Array.from({ length: pieces }, () => lengths.whole(1_000, 3_000))
  const killing = startWorkerKills(company, seed.of('kills'), killEveryMs)
  const handles: WorkflowHandleWithFirstExecutionRunId[] = []
  let kills = 0
  try {
    for (let run = 0; run < count; run += 1) handles.push(await company.start(account, research, [[line(), line()]]))
    for (const handle of handles) await handle.result()
  } finally {
    kills = await killing.stop()
  }
  await company.retire()
  const attempts = company.attempts()
  const books = await booksAtRest(stand, restWithinMs)
  const receipts = books.flatMap(({ entries }) => entries).filter(({ row }) => row.startsWith('compute_runtime|'))
  const runs = handles.map(({ firstExecutionRunId: runId }): RunOfResearch => {
    const own = attempts.filter((attempt) => attempt.runId === runId)
    const charged = receipts
      .filter(({ id }) => id.includes(runId))
      .reduce((sum, { added }) => sum + added.charged + added.uncollected, 0)
    return {
      truthMs: unionMs(own),
      billedMs: (charged * 60_000) / perMinute,
      deaths: new Set(own.filter(({ ended }) => !ended).map(({ process }) => process)).size,
    }
  })
  const wrong = runs.filter(
    ({ truthMs, billedMs, deaths }) => Math.abs(billedMs - truthMs) > deaths * leaseMs + toleranceMs,
  )
  const says = ({ truthMs, billedMs, deaths }: RunOfResearch): string =>
    `a run of ${truthMs} ms was billed ${Math.round(billedMs)} ms, with ${deaths} dead workers and a lease of ${leaseMs} ms`
  return { runs, kills, fault: wrong.map(says).join('\n') }
}
