import { expect, test } from 'vitest'
import { birthOf } from '../../credits/charge-id.ts'
import { birthOfChain } from '../../middleware/temporal/birth-of-chain.ts'
import { idOf } from '../../middleware/temporal/charge-key.ts'

test.each([
  ['a run id with a time', '01a20544-a1af-7245-ab28-4aa5863cd471', 0x01a20544a1af],
  ['one without', '6ba7b810-9dad-41d1-80b4-00c04fd430c8', 0],
  ['no run id at all', '', 0],
])('%s', (_, runId, birth) => {
  expect(birthOfChain(runId)).toBe(birth)
  expect(birthOf(idOf({ bornMs: birthOfChain(runId), path: ['task'], ordinal: 0 }))).toBe(birth)
})
