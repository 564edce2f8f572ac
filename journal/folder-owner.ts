import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, rmdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { JournalNotOpened } from './journal-unavailable.ts'
import { createClaimWatch, goneAfterMs, thisProcess } from './process-claim.ts'

export interface FolderClaim {
  /** Resolves if another process has taken the folder over, since this one slept: nothing may be written there any more. */
  readonly lost: Promise<void>
  release(): Promise<void>
}

export interface ClaimOptions {
  /** ms since epoch. */
  readonly now?: (() => number) | undefined
  readonly sleep?: ((ms: number) => Promise<void>) | undefined
  /** An owner in another container cannot be seen: its claim is watched for some time. Called once, if so. */
  readonly onWait?: ((waitMs: number) => void) | undefined
}

const lookEveryMs = 1_000
const touchEveryMs = 2_000
/** Taking a dead claim away is two small file operations. */
const turnMs = 50

/**
 * Claims a folder for this process, since two owners would destroy what is in it. Rejects with JournalNotOpened `journal_in_use` while another
 * living process has it. The claim of one that died is taken over: at once where that can be seen, else when it was not touched for half a minute.
 */
export async function claimFolder(
  dataDir: string,
  { now = Date.now, sleep = pause, onWait }: ClaimOptions = {},
): Promise<FolderClaim> {
  const folder = resolve(dataDir)
  const claim = `${folder}.owner`
  // No two claims are the same, so that one that was replaced is noticed.
  const text = `${JSON.stringify({ ...(await thisProcess()), claim: randomUUID() })}\n`
  const watch = createClaimWatch(now)
  let waits = false
  let blockedMs = 0
  await mkdir(dirname(folder), { recursive: true })
  while (!(await written(claim, text))) {
    const found = await textOf(claim)
    const state = await watch.look(claim)
    if (state === 'alive') throw inUse(folder, found)
    if (state === 'unknown') {
      if (!waits) onWait?.(goneAfterMs)
      waits = true
      await sleep(lookEveryMs)
    } else if (await takeAway(claim, found)) {
      blockedMs = 0
    } else {
      await sleep(turnMs)
      blockedMs += turnMs
      // Whoever had its turn died in the middle of it.
      if (blockedMs >= goneAfterMs) await rmdir(`${claim}.taking`).catch(() => undefined)
    }
  }
  const lost = Promise.withResolvers<void>()
  const timer = setInterval(() => void touch(), touchEveryMs)
  timer.unref()
  return {
    lost: lost.promise,
    async release() {
      clearInterval(timer)
      if ((await textOf(claim)) === text) await rm(claim, { force: true })
    },
  }

  async function touch(): Promise<void> {
    const found = await textOf(claim)
    // A disk that cannot be read for a moment is no other owner.
    if (found === null) return
    if (found !== text) {
      clearInterval(timer)
      return lost.resolve()
    }
    const time = new Date(now())
    await utimes(claim, time, time).catch(() => undefined)
  }
}

/** false if there is a claim already. */
async function written(claim: string, text: string): Promise<boolean> {
  try {
    await writeFile(claim, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/**
 * Removes a dead claim; `false` while another process does the same. One at a time, and only what still is that claim: by the time that we come to it,
 * another process may be the owner.
 */
async function takeAway(claim: string, dead: string | null): Promise<boolean> {
  const turn = `${claim}.taking`
  try {
    await mkdir(turn)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
  try {
    if ((await textOf(claim)) === dead) await rm(claim, { force: true })
  } finally {
    await rmdir(turn).catch(() => undefined)
  }
  return true
}

/** '' where there is none, null where it cannot be read. */
async function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: unknown) => (hasCode(error, 'ENOENT') ? '' : null))
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function inUse(folder: string, claim: string | null): JournalNotOpened {
  const pid = /"pid":(\d+)/.exec(claim ?? '')?.[1] ?? 'that cannot be read'
  const host = /"host":"([^"]*)"/.exec(claim ?? '')?.[1] ?? ''
  return new JournalNotOpened(
    'journal_in_use',
    `the journal in ${folder} belongs to process ${pid} on ${host}: stop it, or set DATABASE_URL to share a PostgreSQL`,
  )
}
