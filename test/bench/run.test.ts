import { expect, test } from 'vitest'
import { runProgram } from '../e2e/processes.ts'

interface Line {
  readonly name: string
  readonly value: number | null
  readonly unit: string
  readonly goal: string | null
  readonly pass: boolean | null
}

/** The figures of a quick run: real processes, a glance at each. What they say about this machine is not judged. */
async function quickRun(suite: string): Promise<readonly Line[]> {
  const program = runProgram('bench/run.ts', {}, undefined, [suite, '--json', '--quick'])
  const code = await program.ended
  expect(program.output()).not.toMatch(/^\s+at /m)
  expect([0, 1, 2]).toContain(code)
  return program
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
}

test('an unknown suite is told which there are', async () => {
  const program = runProgram('bench/run.ts', {}, undefined, ['no-such-suite'])
  expect(await program.ended).toBe(64)
  expect(program.output()).toMatch(/gateway/)
})

test('the suite gateway measures calls, streams and CPU on every way to the upstream', async () => {
  const lines = await quickRun('gateway')
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(['name', 'value', 'unit', 'goal', 'pass'])
    expect(line.value).toBeTypeOf('number')
  }
  expect(Object.fromEntries(lines.filter(({ goal }) => goal !== null).map(({ name, goal }) => [name, goal]))).toEqual({
    'bare proxy, to be no void run': '≥ 8000',
    'latency added by Tollgate, median': '≤ 0.45',
    'calls/s at 16, Tollgate of the bare proxy': '≥ 60',
    'calls/s at 64, Tollgate of the bare proxy': '≥ 60',
    'streams sustained, Tollgate of the bare proxy': '≥ 80',
  })
  expect(lines.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['CPU per call at 16, gateway', 'CPU per call at 16, Redis', 'CPU per chunk, bare proxy']),
  )
}, 300_000)
