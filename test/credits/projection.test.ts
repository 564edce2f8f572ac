import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro, zero } from '../../credits/money.ts'
import { project } from '../../credits/projection.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const nowMs = Date.UTC(2026, 10, 20)
const endMs = Date.UTC(2026, 11, 1)
const week = (credits: number) => ({ spent: creditsToMicro(credits), overMs: 7 * dayMs })

describe('a projection', () => {
  test('names the moment at which nothing is left, where that is before the period ends', () => {
    // 10 a day, 50 left
    expect(project(week(70), { remaining: creditsToMicro(50), nowMs, endMs })).toEqual({
      runOutMs: nowMs + 5 * dayMs,
      leftAtEnd: null,
      basisDays: 7,
    })
  })

  test('else what is left when it ends', () => {
    // 10 a day for 11 days, of 450
    expect(project(week(70), { remaining: creditsToMicro(450), nowMs, endMs })).toEqual({
      runOutMs: null,
      leftAtEnd: creditsToMicro(340),
      basisDays: 7,
    })
  })

  test('at the very end of the period it has just lasted', () => {
    expect(project(week(70), { remaining: creditsToMicro(110), nowMs, endMs })).toMatchObject({ leftAtEnd: 0 })
  })

  test('says on how many days it is based', () => {
    const pace = { spent: creditsToMicro(3), overMs: 36 * hourMs }
    expect(project(pace, { remaining: creditsToMicro(500), nowMs, endMs })).toMatchObject({ basisDays: 1.5 })
  })

  test.each([
    ['of less than a day', { spent: creditsToMicro(5), overMs: dayMs - 1 }, creditsToMicro(50)],
    ['of nothing spent', { spent: 0, overMs: 7 * dayMs }, creditsToMicro(50)],
    ['of less than nothing spent, after an adjustment', { spent: -1, overMs: 7 * dayMs }, creditsToMicro(50)],
    ['of nothing left', { spent: creditsToMicro(5), overMs: 7 * dayMs }, zero],
  ])('there is none %s', (_, pace, remaining) => {
    expect(project(pace, { remaining, nowMs, endMs })).toBeNull()
  })

  test('is a date or a rest, never both, at any size of account', () => {
    const amount = fc.integer({ min: 1, max: 400_000_000_000_000 })
    fc.assert(
      fc.property(amount, amount, fc.integer({ min: dayMs, max: 32 * dayMs }), (remaining, spent, overMs) => {
        const found = project({ spent, overMs }, { remaining: toMicro(remaining), nowMs, endMs })!
        expect((found.runOutMs === null) !== (found.leftAtEnd === null)).toBe(true)
        expect(found.runOutMs === null || (found.runOutMs > nowMs && found.runOutMs < endMs)).toBe(true)
        expect(found.leftAtEnd === null || found.leftAtEnd < remaining).toBe(true)
      }),
    )
  })
})
