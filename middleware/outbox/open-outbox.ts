import { mkdir } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import type { AccountLoader } from '../load-account.ts'
import { StoreNotOpened } from '../open-stores.ts'
import { createOutbox, type Outbox, type OutboxDeps, type OutboxEvent, replayTimes } from './outbox.ts'
import { openStore, type StoreEvent } from './store.ts'

export interface OpenOutboxOptions extends Pick<OutboxDeps, 'ledger' | 'journal'> {
  readonly loader: Pick<AccountLoader, 'load' | 'onHydrated'>
  readonly clock: Clock
  readonly onEvent: (event: OutboxEvent | StoreEvent) => void
  /** Several processes may have the same one. */
  readonly folder: string
  /** What is noted reaches the disk within this time. Default 50 ms. */
  readonly syncMs?: number
  /** A charge that the journal has not got after so long is sent again. Default 30 s. */
  readonly replayAfterMs?: number
}

export interface OpenedOutbox {
  readonly outbox: Outbox
  /** Resolves when another process has taken the folder over, since this one slept: no work can start here any more. */
  readonly lost: Promise<void>
}

/**
 * The outbox of this process, with what gone processes left in the same folder. Rejects with StoreNotOpened `outbox_unavailable` when the folder cannot be
 * written: nothing could be charged then.
 */
export async function openOutbox({
  ledger,
  journal,
  loader,
  clock,
  onEvent,
  folder,
  syncMs,
  replayAfterMs,
}: OpenOutboxOptions): Promise<OpenedOutbox> {
  const lost = Promise.withResolvers<void>()
  const listen = (event: OutboxEvent | StoreEvent): void => {
    if (event.kind === 'folder_lost') lost.resolve()
    onEvent(event)
  }
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const store = await openStore({ folder, syncMs, clock, onEvent: listen })
    const outbox = await createOutbox({
      store,
      ledger,
      journal,
      loadAccount: (accountId) => loader.load(accountId),
      clock,
      onEvent: listen,
      times: replayAfterMs === undefined ? undefined : replayTimes(replayAfterMs),
    })
    loader.onHydrated((accountId) => outbox.accountHydrated(accountId))
    return { outbox, lost: lost.promise }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new StoreNotOpened('outbox_unavailable', `the outbox cannot be written in ${folder}: ${error.message}`, error)
  }
}
