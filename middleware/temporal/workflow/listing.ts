import { defineSearchAttributeKey } from '@temporalio/common'
import { upsertSearchAttributes } from '@temporalio/workflow'
import { stateAttribute } from '../../../credits/parked-run.ts'

const key = defineSearchAttributeKey(stateAttribute, 'KEYWORD')

/** null: as any other run. */
export function listAs(state: 'parked' | 'skipped' | null): void {
  upsertSearchAttributes([{ key, value: state }])
}
