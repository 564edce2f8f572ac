// `tollgate/temporal/workflow`: what workflows may import.
export type { Skipped } from '../../middleware/temporal/workflow/admission.ts'
export { inNameOf, type InNameOf } from '../../middleware/temporal/workflow/in-name-of.ts'
export {
  attendMeeting,
  type CallOptions,
  type SessionEnd,
  type SessionRefusal,
  type SessionResult,
  startVoiceCall,
} from '../../middleware/temporal/workflow/sessions.ts'
export { completeTask } from '../../middleware/temporal/workflow/complete-task.ts'
