import { statfs } from 'node:fs/promises'
import type { Clock } from '../clock.ts'
import { type Entry, keyOf, nameOf } from './entry.ts'
import { type LogEvent, OutboxLog } from './log.ts'
import { brokenFolder, claimProcessFolder, FolderLost, type ProcessFolder } from './process-folder.ts'
import { formatRecord, type SendRecord } from './record.ts'
import type { Segment } from './segment.ts'

export interface StoreOptions {
  /** All processes' folders lie in this one. */
  readonly folder: string
  readonly clock: Pick<Clock, 'now'>
  /** What is written reaches the disk within this time. Default 50 ms. */
  readonly syncMs?: number | undefined
  /** Default 16 MiB. */
  readonly segmentBytes?: number | undefined
  /** With less room than this on the disk no new work starts: what is under way must still be noted. Default 64 MiB. */
  readonly leastFreeBytes?: number | undefined
  readonly onEvent: (event: StoreEvent) => void
}

export type StoreEvent =
  | LogEvent
  | { readonly kind: 'taken_over'; readonly path: string; readonly entries: number }
  | { readonly kind: 'folder_lost' | 'load_failed'; readonly path: string; readonly error: unknown }

export interface StoreFigures {
  readonly entries: number
  readonly oldestNotedAtMs: number | null
  readonly segments: number
  readonly bytes: number
}

/**
 * What is noted, on disk and by id. Nothing here knows what a ledger is. Promises of writing reject with OutboxUnavailable; what they were about is
 * written later all the same, if it still is needed then.
 */
export interface OutboxStore {
  /** Every entry that is needed, by `keyOf`. */
  readonly entries: ReadonlyMap<string, Entry>
  /** Notes what is to be sent. The first note of an id stays. */
  note(record: SendRecord): { readonly entry: Entry; readonly written: Promise<void> }
  /**
   * The record as it was noted, with what is known of it since; null when it is gone. One that cannot be read back is gone from then on, and its segment kept
   * as evidence.
   */
  read(entry: Entry): Promise<SendRecord | null>
  /** Notes the first success of a charge. */
  accept(entry: Entry): Promise<void>
  /** A charge that never was and never will be: the note outlives the record, so that no later process sends it. */
  refuse(entry: Entry): Promise<void>
  /** The journal has it. */
  forget(entry: Entry): void
  /** Why no new work may be noted, else null. */
  trouble(): string | null
  figures(): StoreFigures
  /** Takes over what gone processes left, and answers those entries. None once this process has lost its own. */
  takeOver(): Promise<readonly Entry[]>
  /**
   * To be called every second or so: the claim, waste, free room, and what could not be written. Rejects with the first failure once it has done all the
   * rest; call it again.
   */
  tend(): Promise<void>
  /** Answers how many entries are left to the next process, and how many could not be written and end with this one. */
  close(): Promise<{ readonly left: number; readonly lost: number }>
}

/** Claims a folder for this process. Rejects when it cannot be written: a gateway must not start then. */
export async function openStore(options: StoreOptions): Promise<OutboxStore> {
  return new Store(options, await claimProcessFolder(options.folder, options.clock.now))
}

class Store implements OutboxStore {
  readonly entries = new Map<string, Entry>()
  readonly #options: StoreOptions
  readonly #own: ProcessFolder
  readonly #log: OutboxLog
  /** Of processes that are gone. Each log is complete in itself: notes about its entries go where they are. */
  #taken: OutboxLog[] = []
  #notLoaded: string[] = []
  #lost: string | null = null
  #noRoom: string | null = null

  constructor(options: StoreOptions, own: ProcessFolder) {
    this.#options = options
    this.#own = own
    this.#log = this.#openLog(own.ownLog)
  }

  note(record: SendRecord): { readonly entry: Entry; readonly written: Promise<void> } {
    const key = keyOf(record.request)
    const known = this.entries.get(key)
    if (known !== undefined && known.segment !== null) return { entry: known, written: Promise.resolve() }
    const entry = known ?? newEntry(key, record, this.#log)
    this.entries.set(key, entry)
    return { entry, written: entry.log.append(formatRecord(record), entry) }
  }

  async read(entry: Entry): Promise<SendRecord | null> {
    const { segment } = entry
    const record = await entry.log.read(entry)
    if (entry.gone) return null
    // Carried over while it was read.
    if (entry.segment !== segment) return this.read(entry)
    if (record === null || keyOf(record.request) !== entry.key) {
      if (segment === null) return null
      segment.broken = true
      this.forget(entry)
      this.#options.onEvent({ kind: 'broken', path: segment.path, count: 1 })
      return null
    }
    return record.kind === 'charge' && entry.accepted
      ? { ...record, request: { ...record.request, accepted: true } }
      : record
  }

  accept(entry: Entry): Promise<void> {
    entry.accepted = true
    return entry.log.append(formatRecord({ kind: 'accepted', ...nameOf(entry) }), null)
  }

  refuse(entry: Entry): Promise<void> {
    this.forget(entry)
    return entry.log.append(formatRecord({ kind: 'refused', ...nameOf(entry) }), null)
  }

  forget(entry: Entry): void {
    entry.gone = true
    entry.log.leave(entry)
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key)
  }

  trouble(): string | null {
    return this.#lost ?? this.#log.failure ?? this.#noRoom
  }

  figures(): StoreFigures {
    let oldestNotedAtMs: number | null = null
    for (const { notedAtMs } of this.entries.values()) {
      if (oldestNotedAtMs === null || notedAtMs < oldestNotedAtMs) oldestNotedAtMs = notedAtMs
    }
    const logs = [this.#log, ...this.#taken]
    return {
      entries: this.entries.size,
      oldestNotedAtMs,
      segments: logs.reduce((sum, { segmentCount }) => sum + segmentCount, 0),
      bytes: logs.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  async takeOver(): Promise<readonly Entry[]> {
    // There is no folder any more to move anything into.
    if (this.#lost !== null) return []
    const taken: Entry[] = []
    const paths = [...this.#notLoaded, ...(await this.#own.takeOver())]
    this.#notLoaded = []
    for (const path of paths) {
      try {
        const log = this.#openLog(path)
        const found = await loadEntries(log)
        this.#taken.push(log)
        for (const entry of found) if (this.#join(entry)) taken.push(entry)
        this.#options.onEvent({ kind: 'taken_over', path, entries: found.length })
      } catch (error) {
        this.#notLoaded.push(path)
        this.#options.onEvent({ kind: 'load_failed', path, error })
      }
    }
    return taken
  }

  async tend(): Promise<void> {
    await this.#beat()
    if (this.#lost !== null) return
    await this.#measureRoom()
    const failures: unknown[] = []
    for (const log of [this.#log, ...this.#taken]) {
      await this.#tendLog(log).catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw failures[0]
  }

  async #tendLog(log: OutboxLog): Promise<void> {
    await log.retry()
    const waste = await log.trim()
    if (waste !== null) await this.#carryOver(waste)
    if (log === this.#log || log.segmentCount > 0 || log.unwritten > 0) return
    this.#taken = this.#taken.filter((each) => each !== log)
    await log.close()
  }

  async close(): Promise<{ readonly left: number; readonly lost: number }> {
    const logs = [this.#log, ...this.#taken]
    for (const log of logs) await log.close()
    await this.#own.release()
    return { left: this.entries.size, lost: logs.reduce((sum, { unwritten }) => sum + unwritten, 0) }
  }

  #openLog(folder: string): OutboxLog {
    const { folder: outboxFolder, syncMs = 50, segmentBytes = 16 * 1024 * 1024, onEvent } = this.#options
    return new OutboxLog({ folder, brokenFolder: brokenFolder(outboxFolder), syncMs, segmentBytes, onEvent })
  }

  /** false for an id that another log has noted too (its caller tried again elsewhere): one note is enough, the one that knows most. */
  #join(entry: Entry): boolean {
    const known = this.entries.get(entry.key)
    if (known === undefined) {
      this.entries.set(entry.key, entry)
      return true
    }
    if (entry.accepted && !known.accepted) void this.accept(known).catch(() => undefined)
    entry.gone = true
    entry.log.leave(entry)
    void entry.log.append(formatRecord({ kind: 'refused', ...nameOf(entry) }), null).catch(() => undefined)
    return false
  }

  /** What a segment full of waste still holds goes to the end of its log. */
  async #carryOver(segment: Segment): Promise<void> {
    const entries = [...this.entries.values()].filter((entry) => entry.segment === segment)
    for (let start = 0; start < entries.length; start += carriedAtOnce) {
      await Promise.all(entries.slice(start, start + carriedAtOnce).map((entry) => this.#carry(entry)))
    }
  }

  async #carry(entry: Entry): Promise<void> {
    const record = await this.read(entry)
    if (record !== null) await entry.log.append(formatRecord(record), entry).catch(() => undefined)
  }

  async #beat(): Promise<void> {
    if (this.#lost !== null) return
    try {
      await this.#own.beat()
    } catch (error) {
      if (!(error instanceof FolderLost)) return
      this.#lost = error.message
      // Those of others, too: whoever has the folder now has read them all.
      for (const log of [this.#log, ...this.#taken]) log.abandon(error.message)
      this.#options.onEvent({ kind: 'folder_lost', path: this.#log.folder, error })
    }
  }

  async #measureRoom(): Promise<void> {
    const { leastFreeBytes = 64 * 1024 * 1024, folder } = this.#options
    const room = await statfs(folder).catch(() => null)
    const isFull = room !== null && room.bavail * room.bsize < leastFreeBytes
    this.#noRoom = isFull ? `less than ${leastFreeBytes} bytes are free on the outbox's disk` : null
  }
}

/** Read and written again in one turn, in few system calls. */
const carriedAtOnce = 256

/** Reads a log as a process left it. */
async function loadEntries(log: OutboxLog): Promise<readonly Entry[]> {
  const found = new Map<string, Entry>()
  await log.load(({ record, offset, bytes }, segment) => {
    const key = keyOf('request' in record ? record.request : record)
    const known = found.get(key)
    if ('request' in record) {
      const entry = known ?? newEntry(key, record, log)
      if (record.kind === 'charge' && record.request.accepted) entry.accepted = true
      OutboxLog.place(entry, segment, { offset, bytes })
      found.set(key, entry)
    } else if (known !== undefined && record.kind === 'accepted') {
      known.accepted = true
    } else if (known !== undefined) {
      log.leave(known)
      found.delete(key)
    }
  })
  return [...found.values()]
}

function newEntry(key: string, { kind, notedAtMs }: Pick<SendRecord, 'kind' | 'notedAtMs'>, log: OutboxLog): Entry {
  return {
    key,
    kind,
    log,
    notedAtMs,
    accepted: false,
    answer: 'none',
    queued: false,
    gone: false,
    sentAtMs: 0,
    segment: null,
    offset: 0,
    bytes: 0,
  }
}
