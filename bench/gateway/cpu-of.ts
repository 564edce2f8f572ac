import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** CPU time that all threads of a process have used so far, in µs. Threads that ended are not in it: those of a server stay. */
export function cpuOf(pid: number): number {
  if (process.platform !== 'linux') return psCpuOf(pid)
  const tasks = `/proc/${pid}/task`
  let nanoseconds = 0
  for (const task of readdirSync(tasks)) {
    try {
      nanoseconds += Number(readFileSync(`${tasks}/${task}/schedstat`, 'latin1').split(' ')[0])
    } catch {
      // The thread ended between the two.
    }
  }
  return nanoseconds / 1_000
}

function psCpuOf(pid: number): number {
  const [seconds = '0', minutes = '0', hours = '0'] = execFileSync('ps', ['-o', 'time=', '-p', String(pid)])
    .toString()
    .trim()
    .split(':')
    .toReversed()
  return Math.round(((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000)
}
