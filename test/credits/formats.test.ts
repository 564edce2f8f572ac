import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCalendar } from '../../credits/calendar.ts'
import { createFormats } from '../../credits/formats.ts'
import { creditsToMicro, microPerCredit, toMicro } from '../../credits/money.ts'

const en = createFormats('en')
const de = createFormats('de')
const credits = creditsToMicro

describe('a cost', () => {
  test.each([
    ['0', '0'],
    ['0.0042', '<0.01'],
    ['0.009999', '<0.01'],
    ['0.01', '0.01'],
    ['0.05', '0.05'],
    ['0.125', '0.13'],
    ['3.4', '3.40'],
    ['3.404999', '3.40'],
    ['1234.565', '1,234.57'],
    ['9007199254.740991', '9,007,199,254.74'],
  ])('of %s credits reads %s', (amount, text) => expect(en.spend(credits(amount))).toBe(text))

  test('reads as the locale writes numbers', () => {
    expect(de.spend(credits('1234.57'))).toBe('1.234,57')
    expect(de.spend(credits('0.001'))).toBe('<0,01')
  })

  test('that was taken back has a minus sign', () => {
    expect(en.spend(-3_400_000)).toBe('\u22123.40')
    expect(en.exact(-4_200)).toBe('\u22120.0042')
  })

  test('that is not zero never reads as zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000_000 }), (amount) => {
        expect(en.spend(amount)).not.toMatch(/^0(\.00)?$/)
        expect(en.remaining(toMicro(amount))).not.toMatch(/^0(\.00)?$/)
      }),
    )
  })
})

describe('what is left', () => {
  test.each([
    ['0', '0'],
    ['0.004', '<0.01'],
    ['0.5', '0.5'],
    ['99.999999', '99.99'],
    ['100.9', '100'],
    ['1887.63', '1,887'],
    ['1999999', '1,999,999'],
  ])('of %s credits reads %s', (amount, text) => expect(en.remaining(credits(amount))).toBe(text))

  test.each([
    ['999999.9', '999,999'],
    ['1000000', '1M'],
    ['1999999', '1.9M'],
  ])('of %s credits reads %s in little room', (amount, text) => expect(en.remainingShort(credits(amount))).toBe(text))

  test('never reads as more than there is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10_000, max: Number.MAX_SAFE_INTEGER }), (amount) => {
        const shown = Number(en.remaining(toMicro(amount)).replaceAll(',', ''))
        expect(shown * microPerCredit).toBeLessThanOrEqual(amount * (1 + Number.EPSILON))
      }),
    )
  })
})

test('an exact amount has all its decimals and no more', () => {
  expect(en.exact(credits('0.0042'))).toBe('0.0042')
  expect(en.exact(credits('1234.500001'))).toBe('1,234.500001')
  expect(en.exact(credits('3'))).toBe('3')
})

test('money is about, and never more than it is', () => {
  expect(en.money(credits('1887.6'))).toBe('≈ $18.87')
  expect(en.money(credits('0.4'))).toBe('≈ $0.00')
})

test.each([
  [0, 10, '0%'],
  [1, 100_000, '<0.1%'],
  [1, 1_000, '0.1%'],
  [123_456, 1_000_000, '12.3%'],
  [10, 10, '100.0%'],
  [5, 0, '0%'],
])('%i of %i is a share of %s', (part, whole, text) => expect(en.share(part, whole)).toBe(text))

test.each([
  [0, '0 sec'],
  [200_999, '3 min 20 sec'],
  [3_600_000, '1 hr'],
])('%i ms last %s', (ms, text) => expect(en.duration(ms)).toBe(text))

test('a rate is in credits a minute', () => {
  expect(en.perMinute(credits('1.5'))).toBe('1.5 credits/min')
})

describe('the calendar of an account', () => {
  const instant = (text: string) => Date.parse(text)
  const utc = createCalendar('en', 'UTC', 'UTC')

  test('names a period that is a month as one', () => {
    expect(utc.period(instant('2026-11-01T00:00:00Z'), instant('2026-12-01T00:00:00Z'))).toBe('November 2026')
    expect(utc.period(instant('2026-10-14T00:00:00Z'), instant('2026-11-14T00:00:00Z'))).toMatch(
      /^Oct 14\s–\sNov 13, 2026$/,
    )
  })

  test('has the days of the billing zone, whoever looks from where', () => {
    const rome = [undefined, 'America/Los_Angeles', 'Pacific/Kiritimati'].map((viewer) =>
      createCalendar('en', 'Europe/Rome', viewer),
    )
    for (const calendar of rome) {
      expect(calendar.day(instant('2026-11-13T23:30:00Z'))).toBe('Nov 14')
      expect(calendar.period(instant('2026-10-31T23:00:00Z'), instant('2026-11-30T23:00:00Z'))).toBe('November 2026')
    }
  })

  test('tells moments by the clock of the viewer', () => {
    const viewer = createCalendar('en', 'UTC', 'Asia/Tokyo')
    expect(viewer.clock(instant('2026-11-14T01:42:00Z'))).toBe('10:42 AM')
    expect(viewer.moment(instant('2026-11-14T01:42:07Z'))).toMatch(/^Nov 14, 2026, 10:42:07\sAM GMT\+9$/)
  })

  test.each([
    ['2026-11-23T10:00:00Z', 'in 9 days'],
    ['2026-11-14T19:30:00Z', 'in 9 hours'],
    ['2026-11-14T10:00:30Z', 'in 1 minute'],
  ])('counts down to %s', (to, text) => expect(utc.until(instant(to), instant('2026-11-14T10:00:00Z'))).toBe(text))
})
