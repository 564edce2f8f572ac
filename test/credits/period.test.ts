import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isTimeZone, periodAt, periodIndexAt, utcOffsetAt } from '../../credits/period.ts'

const zones = [
  'UTC',
  'Europe/Rome',
  'Europe/London',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Beirut',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'America/St_Johns',
  'Asia/Tehran',
]
const starts = (anchor: string, timeZone: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) =>
    new Date(periodAt(Date.parse(anchor), timeZone, index).startMs).toISOString(),
  )

describe('a month from the day of sign-up', () => {
  test.each<[string, string, string, readonly string[]]>([
    [
      'begins with the local day',
      '2026-11-22T14:30:00Z',
      'UTC',
      ['2026-11-22T00:00:00.000Z', '2026-12-22T00:00:00.000Z'],
    ],
    [
      'begins with the local day west of Greenwich',
      '2026-11-22T03:00:00Z',
      'America/New_York',
      ['2026-11-21T05:00:00.000Z', '2026-12-21T05:00:00.000Z'],
    ],
    [
      'begins with the local day east of it',
      '2026-11-22T23:30:00Z',
      'Pacific/Kiritimati',
      ['2026-11-22T10:00:00.000Z', '2026-12-22T10:00:00.000Z'],
    ],
    [
      'is clipped in short months and does not drift',
      '2027-01-31T10:00:00Z',
      'UTC',
      [
        '2027-01-31T00:00:00.000Z',
        '2027-02-28T00:00:00.000Z',
        '2027-03-31T00:00:00.000Z',
        '2027-04-30T00:00:00.000Z',
        '2027-05-31T00:00:00.000Z',
      ],
    ],
    [
      'knows leap years',
      '2028-01-30T10:00:00Z',
      'UTC',
      ['2028-01-30T00:00:00.000Z', '2028-02-29T00:00:00.000Z', '2028-03-30T00:00:00.000Z'],
    ],
    [
      'signed up on 29 February',
      '2028-02-29T10:00:00Z',
      'UTC',
      ['2028-02-29T00:00:00.000Z', '2028-03-29T00:00:00.000Z'],
    ],
    [
      'keeps local midnight when the clocks change',
      '2027-03-10T12:00:00Z',
      'Europe/Rome',
      ['2027-03-09T23:00:00.000Z', '2027-04-09T22:00:00.000Z'],
    ],
    [
      'begins at one where the clocks skip midnight',
      '2026-02-08T12:00:00Z',
      'America/Havana',
      ['2026-02-08T05:00:00.000Z', '2026-03-08T05:00:00.000Z'],
    ],
  ])('%s', (_what, anchor, zone, expected) => {
    expect(starts(anchor, zone, expected.length)).toEqual(expected)
  })

  test('a day that a zone never had begins with the next one', () => {
    // Samoa went from 29 to 31 December 2011.
    const { startMs, endMs } = periodAt(Date.parse('2011-11-30T20:00:00Z'), 'Pacific/Apia', 1)
    expect(new Date(startMs).toISOString()).toBe('2011-12-30T10:00:00.000Z')
    expect(endMs).toBeGreaterThan(startMs)
  })

  test('no gap, no overlap, and every instant finds its period, over decades and zones', () => {
    const instant = fc.integer({ min: Date.parse('2020-01-01T00:00:00Z'), max: Date.parse('2032-01-01T00:00:00Z') })
    fc.assert(
      fc.property(
        instant,
        fc.constantFrom(...zones),
        fc.integer({ min: 0, max: 360 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (anchorMs, zone, index, part) => {
          const { startMs, endMs } = periodAt(anchorMs, zone, index)
          const days = (endMs - startMs) / 86_400_000
          expect(days).toBeGreaterThan(26.9)
          expect(days).toBeLessThan(31.1)
          expect(periodAt(anchorMs, zone, index + 1).startMs).toBe(endMs)
          const within = Math.min(endMs - 1, startMs + Math.floor((endMs - startMs) * part))
          for (const atMs of [startMs, within, endMs - 1]) expect(periodIndexAt(anchorMs, zone, atMs)).toBe(index)
          expect(periodIndexAt(anchorMs, zone, endMs)).toBe(index + 1)
          expect(periodIndexAt(anchorMs, zone, anchorMs)).toBe(0)
        },
      ),
      { numRuns: 2_000, seed: 20261122 },
    )
  })

  test('before sign-up there is no period', () => {
    const anchorMs = Date.parse('2026-11-22T14:30:00Z')
    expect(periodIndexAt(anchorMs, 'UTC', Date.parse('2026-11-22T00:00:00Z'))).toBe(0)
    expect(() => periodIndexAt(anchorMs, 'UTC', Date.parse('2026-11-21T23:59:59Z'))).toThrow(RangeError)
    expect(() => periodAt(anchorMs, 'UTC', -1)).toThrow(RangeError)
    expect(() => periodAt(anchorMs, 'UTC', 0.5)).toThrow(RangeError)
  })
})

test.each([
  ['Europe/Rome', '2026-07-01T00:00:00Z', 2 * 3_600_000],
  ['Europe/Rome', '2026-12-01T00:00:00Z', 3_600_000],
  ['America/St_Johns', '2026-12-01T00:00:00Z', -3.5 * 3_600_000],
  ['Asia/Kathmandu', '2026-12-01T00:00:00Z', 5.75 * 3_600_000],
  ['UTC', '2026-12-01T00:00:00Z', 0],
])('the offset of %s at %s', (zone, at, offset) => {
  expect(utcOffsetAt(zone, Date.parse(at))).toBe(offset)
})

test.each<[string, boolean]>([
  ...zones.map((zone): [string, boolean] => [zone, true]),
  ['Etc/GMT+5', true],
  ['Europe/Atlantis', false],
  ['+02:00', false],
  ['', false],
  ['UTC ', false],
  ['2026-11-22', false],
])('%j is a time zone: %j', (text, is) => {
  expect(isTimeZone(text)).toBe(is)
})
