import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** CPU time that a process has used so far, user and system, in µs. Steps of 10 ms: ask over seconds. */
export function cpuOf(pid: number): number {
  if (process.platform !== 'linux') return psCpuOf(pid)
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is the program's name, which may have spaces and brackets of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

function psCpuOf(pid: number): number {
  const [seconds = '0', minutes = '0', hours = '0'] = execFileSync('ps', ['-o', 'time=', '-p', String(pid)])
    .toString()
    .trim()
    .split(':')
    .toReversed()
  return Math.round(((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000)
}
