// `tollgate/temporal/workflow`: what workflows may import.
export { completeTask } from '../../middleware/temporal/workflow/complete-task.ts'
