import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClaimWatch, thisProcess } from '../../journal/process-claim.ts'

/**
 * The folder of one process among those of others, on a volume that several machines may share:
 *
 *     <outbox>/<process>/owner         who has it; touched every few seconds
 *     <outbox>/<process>/<log>/…       its own log, and those that it took over
 *     <outbox>/broken/                 segments with lines that could not be read
 *
 * A log changes hands by a rename, which only one process can win, and which takes its path from an owner that was only asleep.
 */
export interface ProcessFolder {
  /** Where this process' own log belongs. */
  readonly ownLog: string
  /** To be called every few seconds. Rejects with FolderLost when another process has taken the folder over. */
  beat(): Promise<void>
  /** Moves the logs of processes that are gone under this one, and answers where they are now. */
  takeOver(): Promise<readonly string[]>
  /** Gives back what is empty; logs that are left may be taken over at once. */
  release(): Promise<void>
}

/** This process slept for so long that another one took its folder over. */
export class FolderLost extends Error {
  override readonly name = 'FolderLost'
}

export const brokenFolder = (outboxFolder: string): string => join(outboxFolder, 'broken')

/** Claims a new folder for this process. Rejects when the outbox' folder cannot be written. */
export async function claimProcessFolder(outboxFolder: string, now: () => number): Promise<ProcessFolder> {
  const name = `${new Date(now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 8)}`
  const folder = join(outboxFolder, name)
  const claim = join(folder, 'owner')
  // Under a name that nobody looks at until the claim is in it: a folder without one is anybody's.
  const early = join(outboxFolder, `.${name}`)
  await mkdir(join(early, name), { recursive: true, mode: 0o700 })
  await writeFile(join(early, 'owner'), `${JSON.stringify(await thisProcess())}\n`)
  await rename(early, folder)
  const watch = createClaimWatch(now)

  return {
    ownLog: join(folder, name),
    async beat() {
      try {
        const time = new Date(now())
        await utimes(claim, time, time)
      } catch (error) {
        if (isMissing(error)) throw new FolderLost(`another process has taken ${folder} over`)
        throw error
      }
    },
    async takeOver() {
      const taken: string[] = []
      for (const other of await folders(outboxFolder)) {
        if (other === name || other === 'broken') continue
        const path = join(outboxFolder, other)
        // Without a claim it was given back, half taken over, or put there by an operator.
        if ((await watch.look(join(path, 'owner'))) !== 'gone') continue
        // First the claim: should its owner wake up, it must hear of it.
        await rm(join(path, 'owner'), { force: true })
        for (const log of await folders(path)) {
          const to = await moved(join(path, log), join(folder, log))
          if (to !== null) taken.push(to)
        }
        await rmdir(path).catch(() => undefined)
        watch.forget(join(path, 'owner'))
      }
      return taken
    },
    async release() {
      await rm(claim, { force: true })
      await rmdir(folder).catch(() => undefined)
    },
  }
}

async function folders(path: string): Promise<readonly string[]> {
  const found = await readdir(path, { withFileTypes: true }).catch(() => [])
  return found.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? entry.name : []))
}

/** Where it is now; null if another process was faster. */
async function moved(from: string, to: string): Promise<string | null> {
  try {
    await rename(from, to)
    return to
  } catch (error) {
    if (isMissing(error)) return null
    // An operator may have put a copy of a log beside the log itself.
    if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return moved(from, `${to}-${randomUUID().slice(0, 4)}`)
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT')
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
