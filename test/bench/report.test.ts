import { describe, expect, test } from 'vitest'
import { exitCode, jsonLines, table } from '../../bench/report.ts'
import type { Figure, Measured } from '../../bench/suite.ts'

const figure = (name: string, value: number, goal: Figure['goal']): Figure => ({ name, value, unit: 'ms', goal })
const reached = figure('reached', 0.4, { atMost: 0.45 })
const missed = figure('missed', 59.94, { atLeast: 60 })
const forScale = figure('for scale', 12_345.6, null)

describe('a run of a benchmark', () => {
  test('prints one JSON object a figure', () => {
    const lines = jsonLines({ figures: [reached, missed, forScale], void: '' })
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { name: 'reached', value: 0.4, unit: 'ms', goal: '≤ 0.45', pass: true },
      { name: 'missed', value: 59.9, unit: 'ms', goal: '≥ 60', pass: false },
      { name: 'for scale', value: 12_346, unit: 'ms', goal: null, pass: null },
    ])
  })

  test('prints a table whose columns stand below each other', () => {
    expect(table({ figures: [reached, missed, forScale], void: '' })).toEqual([
      'figure     value  unit  goal',
      'reached      0.4  ms    ≤ 0.45  reached',
      'missed      59.9  ms    ≥ 60    MISSED',
      'for scale  12346  ms',
    ])
  })

  test('in a void run nothing passes, and nothing fails', () => {
    const measured: Measured = { figures: [reached, missed], void: 'too slow' }
    expect(jsonLines(measured).map((line) => (JSON.parse(line) as { pass: unknown }).pass)).toEqual([null, null])
    expect(table(measured).filter((line) => line.endsWith('void'))).toHaveLength(2)
  })

  test.each<[string, Measured, number]>([
    ['every goal reached', { figures: [reached, forScale], void: '' }, 0],
    ['a goal missed', { figures: [reached, missed], void: '' }, 1],
    ['void, whatever was reached', { figures: [reached], void: 'too slow' }, 2],
  ])('ends with a code that scripts can read: %s', (_, measured, code) => {
    expect(exitCode(measured)).toBe(code)
  })

  test('a goal is judged by the whole number, not by the digits that are shown', () => {
    const [line] = jsonLines({ figures: [figure('close', 59.99, { atLeast: 60 })], void: '' })
    expect(JSON.parse(line!)).toMatchObject({ value: 60, pass: false })
  })
})
