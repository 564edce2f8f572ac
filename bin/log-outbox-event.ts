import type { OutboxEvent } from '../middleware/outbox/outbox.ts'
import type { StoreEvent } from '../middleware/outbox/store.ts'
import type { Log } from './log.ts'

/** What the outbox of a process has to tell its operator, in words. */
export function logOutboxEvent(
  log: Pick<Log, 'debug' | 'info' | 'warn' | 'error'>,
  { kind, ...event }: OutboxEvent | StoreEvent,
): void {
  const { error, ...facts } = { error: undefined, ...event }
  log[levels[kind]]({ code: kind, ...facts, ...(error === undefined ? {} : { err: error }) }, words[kind])
}

type Kind = (OutboxEvent | StoreEvent)['kind']

const words = {
  replayed: 'a settlement was sent again',
  left_for_later: 'a settlement could not be made now; the outbox keeps it and tries again',
  ledger_changed: 'the ledger is another one: what the journal has not got is sent again',
  journal_away: 'the outbox keeps everything while the journal is away',
  tend_failed: 'the outbox could not be tended; it tries again',
  broken: 'lines of the outbox cannot be read: their segment will be kept in the folder "broken"',
  torn: 'the last line of a segment was cut off; nobody had been told that it was written',
  write_failed: 'the outbox cannot be written: no new work starts until it can',
  sync_failed: 'the outbox does not reach its disk: no new work starts until it does',
  writes_again: 'the outbox can be written again',
  taken_over: 'the outbox of a gateway that is gone was taken over',
  folder_lost: 'this process slept and its outbox was taken over: it ends, to be started anew',
  load_failed: 'the outbox of a gateway that is gone cannot be read; it is tried again',
} as const satisfies Record<Kind, string>

const levels = {
  replayed: 'debug',
  left_for_later: 'warn',
  ledger_changed: 'warn',
  journal_away: 'warn',
  tend_failed: 'error',
  broken: 'error',
  torn: 'info',
  write_failed: 'error',
  sync_failed: 'error',
  writes_again: 'info',
  taken_over: 'info',
  folder_lost: 'error',
  load_failed: 'error',
} as const satisfies Record<Kind, 'debug' | 'info' | 'warn' | 'error'>
