import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, readlink, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'

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

/** A process that cannot be looked at, since it runs in another container, is gone when it has not touched its folder for this long. */
export const goneAfterMs = 30_000

export const brokenFolder = (outboxFolder: string): string => join(outboxFolder, 'broken')

const ownerSchema = z.object({
  host: z.string(),
  /** Numbers of processes mean something only within one of these. '' where there are none. */
  processNamespace: z.string(),
  pid: z.number(),
  /** Tells a process from a later one with the same number. */
  startedAt: z.string(),
})
type Owner = z.infer<typeof ownerSchema>

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
  /** When each claim of others was first seen as it is: their clocks may differ from ours. */
  const firstSeen = new Map<string, { readonly touchedMs: number; readonly atMs: number }>()

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
        if (!(await isGone(path))) continue
        // First the claim: should its owner wake up, it must hear of it.
        await rm(join(path, 'owner'), { force: true })
        for (const log of await folders(path)) {
          const to = await moved(join(path, log), join(folder, log))
          if (to !== null) taken.push(to)
        }
        await rmdir(path).catch(() => undefined)
        firstSeen.delete(path)
      }
      return taken
    },
    async release() {
      await rm(claim, { force: true })
      await rmdir(folder).catch(() => undefined)
    },
  }

  async function isGone(path: string): Promise<boolean> {
    const owner = await readOwner(join(path, 'owner'))
    // Without a claim: given back, half taken over, or put there by an operator.
    if (owner === 'none') return true
    if (owner !== 'unreadable') {
      const alive = await isAlive(owner)
      if (alive !== 'unknown') return !alive
    }
    const touchedMs = await stat(join(path, 'owner')).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    )
    const seen = firstSeen.get(path)
    if (seen?.touchedMs === touchedMs) return now() - seen.atMs >= goneAfterMs
    firstSeen.set(path, { touchedMs, atMs: now() })
    return false
  }
}

async function thisProcess(): Promise<Owner> {
  return {
    host: hostname(),
    processNamespace: await processNamespace(),
    pid: process.pid,
    startedAt: (await startOf(process.pid)) ?? String(performance.timeOrigin),
  }
}

async function isAlive(owner: Owner): Promise<boolean | 'unknown'> {
  const here = await thisProcess()
  if (owner.host !== here.host || owner.processNamespace !== here.processNamespace) return 'unknown'
  if (owner.pid === here.pid) return owner.startedAt === here.startedAt
  const started = await startOf(owner.pid)
  if (started !== null) return started === owner.startedAt
  // Where the system does not tell when a process began, its being there says nothing; its absence does.
  return answersSignals(owner.pid) ? 'unknown' : false
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
}

async function processNamespace(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '')
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return namespace === '' ? '' : `${boot.trim()} ${namespace}`
}

/** In ticks since the machine began, by the system; null for a process that is not there, or a system that does not say. */
async function startOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  // The name, in parentheses, may contain anything; the start is the twentieth field after it.
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null
}

async function readOwner(path: string): Promise<Owner | 'none' | 'unreadable'> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    return ownerSchema.safeParse(parsed).data ?? 'unreadable'
  } catch (error) {
    return isMissing(error) ? 'none' : 'unreadable'
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
