import { currentWork } from '../../../package/temporal.ts'
import type { Deps } from './deps.ts'

export interface Request {
  readonly conversation: string
  readonly answer: string
  readonly what: string
}

/** A task for a person: to approve something. It costs nothing, and neither does the wait for the answer. */
export function askPerson({ events }: Pick<Deps, 'events'>) {
  return async ({ conversation, answer, what }: Request): Promise<void> => {
    await events.writer(currentWork()!.account, conversation).write({ kind: 'approval_asked', answer, what })
  }
}
