import { readFile, readlink, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { z } from 'zod'

/**
 * A file by which a process says that a folder is its own, for other processes to judge: on this machine, in another container, or on another machine
 * that shares the disk. Its owner touches it every few seconds for those who cannot look at the process itself.
 */
export interface ClaimWatch {
  /**
   * `gone`: nobody has the folder (any more). `alive`: its owner runs, as far as can be seen. `unknown`: a process that cannot be looked at, and nobody
   * has watched its claim for long enough: look again later, with the same watch.
   */
  look(path: string): Promise<'alive' | 'gone' | 'unknown'>
  forget(path: string): void
}

/** A process that cannot be looked at, since it runs in another container, is gone when it has not touched its claim for this long. */
export const goneAfterMs = 30_000

const claimantSchema = z.object({
  host: z.string(),
  /** Numbers of processes mean something only within one of these. '' where there are none. */
  processNamespace: z.string(),
  pid: z.number(),
  /** Tells a process from a later one with the same number, as in a restarted container. */
  startedAt: z.string(),
})
export type Claimant = z.infer<typeof claimantSchema>

/** What this process writes into its claims. */
export async function thisProcess(): Promise<Claimant> {
  return {
    host: hostname(),
    processNamespace: await processNamespace(),
    pid: process.pid,
    startedAt: (await startOf(process.pid)) ?? String(performance.timeOrigin),
  }
}

/** Who has claimed; `none` if nobody has, `unreadable` if that cannot be read (yet). */
export async function readClaim(path: string): Promise<Claimant | 'none' | 'unreadable'> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, 'utf8'))
    return claimantSchema.safeParse(parsed).data ?? 'unreadable'
  } catch (error) {
    return hasCode(error, 'ENOENT') ? 'none' : 'unreadable'
  }
}

export function createClaimWatch(now: () => number): ClaimWatch {
  /** When each claim was first seen as it is: the clocks of other machines may differ from ours. */
  const firstSeen = new Map<string, { readonly touchedMs: number; readonly atMs: number }>()
  return {
    forget: (path) => void firstSeen.delete(path),
    async look(path) {
      const claimant = await readClaim(path)
      if (claimant === 'none') return 'gone'
      if (claimant !== 'unreadable') {
        const alive = await isAlive(claimant)
        if (alive !== 'unknown') return alive ? 'alive' : 'gone'
      }
      const touchedMs = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      )
      const seen = firstSeen.get(path)
      if (seen?.touchedMs === touchedMs) return now() - seen.atMs >= goneAfterMs ? 'gone' : 'unknown'
      firstSeen.set(path, { touchedMs, atMs: now() })
      return seen === undefined ? 'unknown' : 'alive'
    },
  }
}

async function isAlive(claimant: Claimant): Promise<boolean | 'unknown'> {
  const here = await thisProcess()
  if (claimant.host !== here.host || claimant.processNamespace !== here.processNamespace) return 'unknown'
  if (claimant.pid === here.pid) return claimant.startedAt === here.startedAt
  const started = await startOf(claimant.pid)
  if (started !== null) return started === claimant.startedAt
  // Where the system does not tell when a process began, its being there says nothing; its absence does.
  return answersSignals(claimant.pid) ? 'unknown' : false
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

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
