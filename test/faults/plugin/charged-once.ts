import type { WorkflowHandle } from '@temporalio/client'
import { booksAtRest } from '../at-rest.ts'
import { seeded } from '../seeded.ts'
import { isPoor, type Stand } from '../stand.ts'
import { priceOfMail } from './catalogue.ts'
import { type Company, openCompany } from './company.ts'
import { startWorkerKills } from './worker-kills.ts'
import { type Mail, mails } from './workflows.ts'

export interface ChargedOnceOptions {
  readonly seed: number
  readonly activities: number
  readonly workers: number
  readonly killEveryMs: number
  readonly restWithinMs: number
  readonly say?: (line: string) => void
}

export interface ChargedOnce {
  /** Activities that Temporal says have succeeded. */
  readonly successes: number
  /** Charges of them, by their receipts, and what they come to, µcr. */
  readonly charges: number
  readonly chargedMicro: number
  /** Of them, those that had lost an attempt with its worker. */
  readonly lost: number
  readonly kills: number
  readonly tookMs: number
  /** '' when each success was charged exactly once. */
  readonly fault: string
}

const mailsOfARun = 50
const atOnce = 5
/** As many as a worker has room for: with more, those that move to another one keep it busy. */
const runsOfAWorker = 4

/** Priced activities while their workers are killed one after the other, and a comparison of Temporal's histories with the receipts. */
export async function chargedOnce(stand: Stand, options: ChargedOnceOptions): Promise<ChargedOnce> {
  const { workers, say } = options
  const company = await openCompany(stand, { workers, leaseMs: 3_000, ...(say === undefined ? {} : { say }) })
  try {
    return await compareCharges(stand, company, options)
  } finally {
    await company.close()
  }
}

async function compareCharges(
  stand: Stand,
  company: Company,
  { activities, killEveryMs, restWithinMs, say, ...options }: ChargedOnceOptions,
): Promise<ChargedOnce> {
  const seed = seeded(options.seed)
  const accounts = stand.callers.filter((_, index) => !isPoor(index)).map(({ accountId }) => accountId)
  const startedAtMs = Date.now()
  const killing = startWorkerKills(company, seed.of('kills'), killEveryMs)
  const handles: WorkflowHandle[] = []
  let kills = 0
  try {
    const work = seed.of('mails')
    let left = activities
    const oneAfterTheOther = async (): Promise<void> => {
      while (left > 0) {
        const all = Array.from({ length: Math.min(left, mailsOfARun) }, (): Mail => [
          work.whole(0, 400),
          // One in ten fails first
          work.chance(0.1) ? 1 : 0,
        ])
        left -= all.length
        const account = accounts[handles.length % accounts.length]!
        const handle = await company.start(account, mails, [all, atOnce])
        handles.push(handle)
        await handle.result()
        if (handles.length % 20 === 0) say?.(`${left} of ${activities} activities are left`)
      }
    }
    await Promise.all(Array.from({ length: runsOfAWorker * options.workers }, oneAfterTheOther))
  } finally {
    kills = await killing.stop()
  }
  const tookMs = Date.now() - startedAtMs
  await company.retire()
  const { successes, lost } = await countIn(handles)
  const books = await booksAtRest(stand, restWithinMs)
  const ofMails = books
    .flatMap(({ entries }) => entries)
    .filter(({ row, atMs }) => row.startsWith('tool_calls|') && atMs >= startedAtMs)
  // Attempts of an activity have one id but for the number at its end, and those that failed are charged nothing
  const charges = ofMails.filter(({ charged, uncollected }) => charged + uncollected > 0)
  const charged = new Set(charges.map(({ id }) => id.replace(/-\d+$/, '')))
  const chargedMicro = ofMails.reduce((sum, { added }) => sum + added.charged, 0)
  const expectedMicro = successes * priceOfMail
  const faults = [
    successes === activities ? '' : `${successes} of ${activities} activities have succeeded`,
    charges.length === successes ? '' : `${charges.length} charges of ${successes} successes`,
    charged.size === charges.length ? '' : `${charges.length} charges of ${charged.size} activities`,
    chargedMicro === expectedMicro ? '' : `${chargedMicro} µcr charged instead of ${expectedMicro}`,
    ...books.filter(({ corrections }) => corrections > 0).map(({ accountId }) => `${accountId} was corrected`),
  ]
  return {
    successes,
    charges: charges.length,
    chargedMicro,
    lost,
    kills,
    tookMs,
    fault: faults.filter((fault) => fault !== '').join('\n'),
  }
}

async function countIn(handles: readonly WorkflowHandle[]): Promise<Pick<ChargedOnce, 'successes' | 'lost'>> {
  let successes = 0
  let lost = 0
  for (const handle of handles) {
    for (const event of (await handle.fetchHistory()).events ?? []) {
      if (event.activityTaskCompletedEventAttributes) successes += 1
      if (event.activityTaskStartedEventAttributes?.lastFailure?.timeoutFailureInfo) lost += 1
    }
  }
  return { successes, lost }
}
