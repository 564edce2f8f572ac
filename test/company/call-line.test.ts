import { describe, expect, test } from 'vitest'
import { type CallNow, callEnd, callLine } from '../../examples/company/call-line.ts'

const now: CallNow = {
  id: 's',
  state: 'live',
  seconds: 90,
  rate: 3_000_000,
  credits: 4_500_000,
  endReason: null,
  warning: null,
}

describe('what is shown of a call', () => {
  test.each([
    [{}, '1:30  ███████████████░░░░░░░░░░░░░░░  4.500000 credits'],
    [{ seconds: 0, credits: 0 }, '0:00  ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░  0.000000 credits'],
    [{ seconds: 59, credits: 1 }, '0:59  █████████████████████████████░  0.000001 credits'],
    [{ warning: { secondsLeft: 80 } }, '1:30  ███████████████░░░░░░░░░░░░░░░  4.500000 credits · 1:20 left'],
  ])('its line: %j', (change, line) => {
    expect(callLine({ ...now, ...change })).toBe(line)
  })

  test('its end, minute by minute', () => {
    const minutes = [
      { charged: 3_000_000, quantity: 60_000 },
      { charged: 1_500_000, quantity: 30_000 },
    ]
    expect(callEnd({ ...now, state: 'ended', endReason: 'credits' }, minutes)).toBe(
      [
        'ended: credits ran out · 1:30 · 4.500000 credits',
        '  minute 1   60.0 s  3.000000',
        '  minute 2   30.0 s  1.500000',
        'The receipts add up to the micro-credit.',
      ].join('\n'),
    )
  })

  test('says so when receipts and call differ', () => {
    expect(callEnd({ ...now, endReason: 'requested' }, [])).toContain('do NOT add up: they come to 0.000000')
  })
})
