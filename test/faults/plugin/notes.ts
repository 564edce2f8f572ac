import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One line of what an activity says of itself. */
export interface Note {
  readonly what: 'began' | 'alive' | 'ended'
  readonly runId: string
  readonly activityId: string
  /** ms since epoch. */
  readonly atMs: number
}

/** What one attempt of an activity came to, in the process that ran it. */
export interface Attempt {
  readonly process: string
  readonly runId: string
  readonly fromMs: number
  /** The last that was heard of it. */
  readonly toMs: number
  readonly ended: boolean
}

/** Writes each line at once: the kernel keeps what a killed process has said. */
export function noteIn(folder: string): (note: Note) => void {
  const file = join(folder, String(process.pid))
  return (note) => appendFileSync(file, `${JSON.stringify(note)}\n`)
}

/** Everything that all processes have said, by process. A line that a kill has cut in two was never said. */
export function notesIn(folder: string): ReadonlyMap<string, readonly Note[]> {
  return new Map(
    readdirSync(folder).map((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
      return [name, lines.map((line) => JSON.parse(line) as Note)]
    }),
  )
}

/** Attempts that said when they began. */
export function attemptsIn(folder: string): readonly Attempt[] {
  return [...notesIn(folder)].flatMap(([process, notes]) => attemptsOf(process, notes))
}

function attemptsOf(process: string, notes: readonly Note[]): readonly Attempt[] {
  const attempts: Attempt[] = []
  const latest = new Map<string, number>()
  for (const { what, runId, activityId, atMs } of notes) {
    const key = `${runId} ${activityId}`
    if (what === 'began') {
      latest.set(key, attempts.length)
      attempts.push({ process, runId, fromMs: atMs, toMs: atMs, ended: false })
    } else {
      const at = latest.get(key)
      if (at !== undefined) attempts[at] = { ...attempts[at]!, toMs: atMs, ended: what === 'ended' }
    }
  }
  return attempts
}

/** For how long at least one of them was under way, ms. */
export function unionMs(attempts: readonly Pick<Attempt, 'fromMs' | 'toMs'>[]): number {
  let total = 0
  let endMs = 0
  for (const { fromMs, toMs } of attempts.toSorted((one, other) => one.fromMs - other.fromMs)) {
    total += Math.max(0, toMs - Math.max(fromMs, endMs))
    endMs = Math.max(endMs, toMs)
  }
  return total
}
