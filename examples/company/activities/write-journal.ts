import { currentWork } from '../../../package/temporal.ts'
import type { Deps } from './deps.ts'

export interface JournalEntry {
  readonly conversation: string
  readonly answer: string
  readonly state: 'done' | 'failed'
}

/** The employee notes how it went, for everybody who follows the conversation. Free. */
export function writeJournal({ events }: Pick<Deps, 'events'>) {
  return async ({ conversation, answer, state }: JournalEntry): Promise<void> => {
    await events.writer(currentWork()!.account, conversation).write({ kind: 'ended', answer, state })
  }
}
