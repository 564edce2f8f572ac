import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { JournalNotOpened } from './journal-unavailable.ts'

/**
 * Claims an embedded journal's folder for this process, since two owners would destroy it. Throws JournalNotOpened `journal_in_use`
 * while another living process has it; a claim left by a crash is taken over. Answers the function that gives it back.
 */
export function claimFolder(dataDir: string): () => void {
  const folder = resolve(dataDir)
  const claim = `${folder}.owner`
  mkdirSync(dirname(folder), { recursive: true })
  for (;;) {
    try {
      // The start time tells this process from an earlier one that had the same number, as in a restarted container.
      writeFileSync(claim, `${process.pid} ${performance.timeOrigin}`, { flag: 'wx' })
      return () => rmSync(claim, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const [pid, startedMs] = readClaim(claim)
    const ours = pid === process.pid
    if (ours ? startedMs === performance.timeOrigin : isAlive(pid)) {
      throw new JournalNotOpened(
        'journal_in_use',
        `the journal in ${folder} belongs to process ${pid}: stop it, or set DATABASE_URL to share a PostgreSQL`,
      )
    }
    rmSync(claim, { force: true })
  }
}

function readClaim(claim: string): readonly [pid: number, startedMs: number] {
  try {
    const [pid, startedMs] = readFileSync(claim, 'utf8').split(' ')
    return [Number(pid), Number(startedMs)]
  } catch {
    return [0, 0]
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
