import { defineSearchAttributeKey } from '@temporalio/common'
import { upsertSearchAttributes } from '@temporalio/workflow'

/** Search attribute, of type Keyword, by which runs can be listed that are parked or were skipped. Used in namespaces that have it. */
export const stateAttribute = 'TollgateState'

const key = defineSearchAttributeKey(stateAttribute, 'KEYWORD')

/** null: as any other run. */
export function listAs(state: 'parked' | 'skipped' | null): void {
  upsertSearchAttributes([{ key, value: state }])
}
