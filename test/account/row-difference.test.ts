import { describe, expect, test } from 'vitest'
import { rowDifference } from '../../credits/account/row-difference.ts'
import { sameRows } from '../../credits/account/same-rows.ts'
import { credits, row, rowOf } from './given.ts'

const [app, other] = [rowOf('app'), rowOf('other')]
const nothing = { ...row(credits(0)), units: 0 }

describe('what to add to rows', () => {
  test.each([
    ['nothing where they are equal', { [app]: row(credits(3)) }, { [app]: row(credits(3)) }, {}],
    ['all of a row that is missing', { [app]: row(credits(3)) }, {}, { [app]: row(credits(3)) }],
    ['nothing for a row of zeros that is missing', { [app]: nothing }, {}, {}],
    [
      'less than nothing where there is too much',
      { [app]: row(credits(3)) },
      { [app]: { ...row(credits(5)), units: 3, uncollected: credits(1) } },
      { [app]: { ...nothing, charged: -2_000_000, uncollected: -1_000_000, units: -2 } },
    ],
  ])('is %s', (_, want, have, difference) => {
    expect(rowDifference({ want, have })).toEqual(difference)
  })

  test('added to the one gives the other', () => {
    const have = { [app]: row(credits(5)), [other]: row(credits(1)) }
    const want = { [app]: row(credits(2)) }
    const difference = rowDifference({ want, have })
    expect(have[app]!.charged + difference[app]!.charged).toBe(want[app]!.charged)
    expect(have[other]!.charged + difference[other]!.charged).toBe(0)
  })
})

test.each([
  [
    'the order of rows plays no part',
    { [app]: row(credits(1)), [other]: row(credits(2)) },
    { [other]: row(credits(2)), [app]: row(credits(1)) },
    true,
  ],
  [
    'a quantity alone makes a difference',
    { [app]: row(credits(1)) },
    { [app]: { ...row(credits(1)), units: 2 } },
    false,
  ],
  [
    'a row more makes a difference',
    { [app]: row(credits(1)) },
    { [app]: row(credits(1)), [other]: row(credits(1)) },
    false,
  ],
])('two copies of rows: %s', (_, one, two, same) => {
  expect([sameRows(one, two), sameRows(two, one)]).toEqual([same, same])
})
