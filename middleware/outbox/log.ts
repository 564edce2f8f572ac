import { constants, write, writeSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Entry } from './entry.ts'
import { parseRecord, type SendRecord } from './record.ts'
import { type ReadLine, readSegment, type Segment, segmentName, segmentNumber } from './segment.ts'

export interface LogOptions {
  readonly folder: string
  /** Where segments with broken lines go in the end. */
  readonly brokenFolder: string
  /** What is written reaches the disk within this time. */
  readonly syncMs: number
  readonly segmentBytes: number
  readonly onEvent: (event: LogEvent) => void
}

export type LogEvent =
  | { readonly kind: 'broken'; readonly path: string; readonly count: number }
  | { readonly kind: 'torn'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'write_failed' | 'sync_failed'; readonly path: string; readonly error: unknown }
  | { readonly kind: 'writes_again'; readonly path: string }

/** A line could not be written now. It is not forgotten: it is written when that is possible again. */
export class OutboxUnavailable extends Error {
  override readonly name = 'OutboxUnavailable'
}

/** A line on its way to the disk. */
interface Line {
  /** Its place among all lines of the log: a fate must follow what it is about. */
  readonly number: number
  readonly text: string
  /** Whose place the line is to be; null for a fate. */
  readonly entry: Entry | null
}

interface Group {
  readonly lines: Line[]
  readonly written: PromiseWithResolvers<void>
}

/** Room that must be there before a log that failed takes lines again: about a hundred calls that may be on their way. */
const probeBytes = 256 * 1024

/**
 * A folder of segments that is only appended to. Lines are written in groups: all that came since the last write began go out in one. Segments leave
 * in their order, oldest first, since a later one may say what became of an earlier one's charge.
 */
export class OutboxLog {
  readonly folder: string
  readonly #options: LogOptions
  readonly #segments: Segment[] = []
  /** Never used again, not even when an attempt to open it failed. */
  #lastNumber = 0
  #lastLine = 0
  #current: Segment | null = null
  #group = newGroup()
  #writing = false
  #writer: Promise<void> = Promise.resolve()
  /** Not on the disk, and not on their way there. In no order. */
  #failed: Line[] = []
  #failure: string | null = null
  #abandoned = false
  /** Segments with what was written there since their last sync began. */
  readonly #unsynced = new Map<Segment, Line[]>()
  /** Their names have reached the disk. */
  readonly #named = new WeakSet<Segment>()
  #syncTimer: NodeJS.Timeout | null = null
  #syncing: Promise<void> = Promise.resolve()
  #isSyncing = false
  #trimming = false

  constructor(options: LogOptions) {
    this.#options = options
    this.folder = options.folder
  }

  /** Reads what an earlier process left, in order. After a rejection no file is open, and the log is of no use. */
  async load(take: (line: ReadLine, segment: Segment) => void): Promise<void> {
    await mkdir(this.folder, { recursive: true })
    const numbers = (await readdir(this.folder)).flatMap((file) => segmentNumber(file) ?? [])
    try {
      for (const number of numbers.toSorted((a, b) => a - b)) await this.#loadSegment(number, take)
    } catch (error) {
      for (const { file } of this.#segments) await file.close()
      throw error
    }
  }

  async #loadSegment(number: number, take: (line: ReadLine, segment: Segment) => void): Promise<void> {
    const path = join(this.folder, segmentName(number))
    const file = await open(path, 'r')
    const segment = newSegment(path, file, 0, false)
    this.#lastNumber = number
    this.#segments.push(segment)
    const content = await file.readFile()
    const { lines, broken, tornBytes } = readSegment(content)
    segment.bytes = content.length
    segment.broken = broken > 0
    if (broken > 0) this.#options.onEvent({ kind: 'broken', path, count: broken })
    if (tornBytes > 0) this.#options.onEvent({ kind: 'torn', path, bytes: tornBytes })
    for (const line of lines) take(line, segment)
  }

  /**
   * Resolves when the line has been written; it reaches the disk within `syncMs` more. Rejects with OutboxUnavailable when it could not be: then it
   * is written as soon as that is possible again, unless its entry is gone by then.
   */
  append(text: string, entry: Entry | null): Promise<void> {
    const group = this.#group
    this.#lastLine += 1
    group.lines.push({ number: this.#lastLine, text, entry })
    if (!this.#writing) {
      this.#writing = true
      this.#writer = new Promise((resolve) => setImmediate(() => resolve(this.#write())))
    }
    return group.written.promise
  }

  /** Why nothing can be written now, else null. */
  get failure(): string | null {
    return this.#failure
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get segmentCount(): number {
    return this.#segments.length
  }

  /** Lines that could not be written yet, or did not reach the disk, and are still needed. */
  get unwritten(): number {
    return this.#failed.filter(needed).length
  }

  async read({ segment, offset, bytes }: Entry): Promise<SendRecord | null> {
    if (segment === null) return null
    const buffer = Buffer.allocUnsafe(bytes - 1)
    const { bytesRead } = await segment.file.read(buffer, 0, buffer.length, offset)
    const record = bytesRead < buffer.length ? null : parseRecord(buffer.toString())
    return record?.kind === 'settle' || record?.kind === 'charge' ? record : null
  }

  /** The entry's line is needed no more. */
  leave(entry: Entry): void {
    if (entry.segment === null) return
    entry.segment.entries -= 1
    entry.segment.entryBytes -= entry.bytes
    entry.segment = null
  }

  /** The entry's line is this one. */
  static place(entry: Entry, segment: Segment, { offset, bytes }: { offset: number; bytes: number }): void {
    entry.log.leave(entry)
    entry.segment = segment
    entry.offset = offset
    entry.bytes = bytes
    segment.entries += 1
    segment.entryBytes += bytes
  }

  /**
   * Deletes the oldest segments that nobody needs. Answers the one whose entries are to be carried over, if more than half of the log is waste: carrying costs
   * at most as many bytes as it frees.
   */
  async trim(): Promise<Segment | null> {
    if (this.#trimming) return null
    this.#trimming = true
    try {
      for (;;) {
        const oldest = this.#segments[0]
        if (oldest === undefined || this.#unsynced.has(oldest)) return null
        if (oldest === this.#current) {
          if (oldest.entries > 0 || this.#writing) return null
          // All of it is waste: an idle gateway has an empty folder.
          this.#current = null
        }
        if (oldest.entries > 0) {
          const needed = this.#segments.reduce((sum, { entryBytes }) => sum + entryBytes, 0)
          return this.bytes > 2 * needed + 2 * this.#options.segmentBytes ? oldest : null
        }
        this.#segments.shift()
        await this.#discard(oldest)
      }
    } finally {
      this.#trimming = false
    }
  }

  /** Nothing more is ever written here. */
  abandon(reason: string): void {
    this.#failure = reason
    this.#current = null
    this.#abandoned = true
  }

  /** Tries to write again what could not be written. Does nothing while all is well. */
  async retry(): Promise<void> {
    if (this.#failure === null || this.#abandoned || this.#writing) return
    this.#writing = true
    try {
      const segment = await this.#openNext()
      try {
        await writeAll(segment.file.fd, Buffer.alloc(probeBytes, '\n'), 0)
        await segment.file.truncate(0)
      } catch (error) {
        await segment.file.close()
        await rm(segment.path, { force: true })
        throw error
      }
      this.#segments.push(segment)
      this.#current = segment
    } catch (error) {
      this.#failure = reasonOf(error)
      // What came meanwhile hears of it.
      await this.#write()
      return
    }
    const lines = this.#failed.filter(needed).toSorted((a, b) => a.number - b.number)
    this.#failed = []
    this.#failure = null
    this.#group = { ...this.#group, lines: lines.concat(this.#group.lines) }
    this.#options.onEvent({ kind: 'writes_again', path: this.folder })
    // Nobody waits for these any more: a new failure puts them back where they were.
    this.#group.written.promise.catch(() => undefined)
    await this.#write()
  }

  /** Writes and syncs all that was appended, then closes the files; a log without entries leaves nothing behind. An abandoned one is only closed. */
  async close(): Promise<void> {
    while (this.#writing) await this.#writer
    if (this.#syncTimer !== null) clearTimeout(this.#syncTimer)
    await this.#syncing
    if (!this.#abandoned) {
      await this.#sync()
      await this.trim()
      this.abandon('closed')
      if (this.#segments.length === 0) await rmdir(this.folder).catch(() => undefined)
    }
    for (const { file } of this.#segments) await file.close()
  }

  async #write(): Promise<void> {
    while (this.#group.lines.length > 0) {
      const { lines, written } = this.#group
      this.#group = newGroup()
      if (this.#failure !== null) {
        this.#failed = this.#failed.concat(lines)
        written.reject(new OutboxUnavailable(this.#failure))
        continue
      }
      const wanted = lines.filter(needed)
      try {
        await this.#writeLines(wanted)
        written.resolve()
      } catch (error) {
        this.#failed = this.#failed.concat(wanted)
        this.#fail('write_failed', error)
        written.reject(new OutboxUnavailable(reasonOf(error), { cause: error }))
      }
    }
    this.#writing = false
  }

  async #writeLines(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return
    const segment = this.#isFull ? await this.#rotate() : this.#current!
    const content = Buffer.from(lines.length === 1 ? lines[0]!.text : lines.map(({ text }) => text).join(''))
    try {
      // A write into the page cache takes a few µs, a turn through the thread pool twenty; but one that meets a sync would stop the whole process.
      if (this.#isSyncing) await writeAll(segment.file.fd, content, segment.bytes)
      else writeAllSync(segment.file.fd, content, segment.bytes)
    } catch (error) {
      // What was written of the group would be taken for records by the next process, or tear a line in two.
      await segment.file.truncate(segment.bytes).catch(() => undefined)
      throw error
    }
    for (const { text, entry } of lines) {
      const bytes = Buffer.byteLength(text)
      if (entry !== null && !entry.gone) OutboxLog.place(entry, segment, { offset: segment.bytes, bytes })
      segment.bytes += bytes
    }
    const unsynced = this.#unsynced.get(segment)
    if (unsynced === undefined) this.#unsynced.set(segment, [...lines])
    else for (const line of lines) unsynced.push(line)
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = null
      this.#syncing = this.#syncing.then(() => this.#sync())
    }, this.#options.syncMs)
  }

  get #isFull(): boolean {
    return this.#current === null || this.#current.bytes >= this.#options.segmentBytes
  }

  async #rotate(): Promise<Segment> {
    const segment = await this.#openNext()
    this.#segments.push(segment)
    this.#current = segment
    return segment
  }

  async #openNext(): Promise<Segment> {
    this.#lastNumber += 1
    const path = join(this.folder, segmentName(this.#lastNumber))
    const { O_CREAT, O_EXCL, O_RDWR } = constants
    const file = await open(path, O_CREAT | O_EXCL | O_RDWR, 0o600)
    return newSegment(path, file, 0, false)
  }

  async #sync(): Promise<void> {
    if (this.#abandoned) return
    this.#isSyncing = true
    // What is written from now on is for the next sync.
    const written = [...this.#unsynced]
    for (const [segment, lines] of written) {
      this.#unsynced.set(segment, [])
      try {
        await segment.file.datasync()
        // The first time, the file's name must be there after a power failure, too.
        if (!this.#named.has(segment)) await syncFolder(this.folder)
        this.#named.add(segment)
      } catch (error) {
        // The system forgets what it could not bring to the disk, and the next sync succeeds without it.
        this.#failed = this.#failed.concat(lines)
        this.#fail('sync_failed', error)
      }
      if (this.#unsynced.get(segment)!.length === 0) this.#unsynced.delete(segment)
    }
    this.#isSyncing = false
  }

  /** New lines go to another segment, once one can be written. */
  #fail(kind: 'write_failed' | 'sync_failed', error: unknown): void {
    const path = this.#current?.path ?? this.folder
    this.#failure = reasonOf(error)
    this.#current = null
    this.#options.onEvent({ kind, path, error })
  }

  async #discard(segment: Segment): Promise<void> {
    await segment.file.close()
    if (!segment.broken) return rm(segment.path, { force: true })
    await mkdir(this.#options.brokenFolder, { recursive: true })
    const name = `${basename(this.folder)}-${basename(segment.path)}`
    await rename(segment.path, join(this.#options.brokenFolder, name))
  }
}

function newGroup(): Group {
  return { lines: [], written: Promise.withResolvers() }
}

function newSegment(path: string, file: Segment['file'], bytes: number, broken: boolean): Segment {
  return { path, file, bytes, entries: 0, entryBytes: 0, broken }
}

function needed({ entry }: Line): boolean {
  return entry === null || !entry.gone
}

function writeAllSync(fd: number, content: Buffer, position: number): void {
  let done = 0
  while (done < content.length) done += writeSync(fd, content, done, content.length - done, position + done)
}

function writeAll(fd: number, content: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void => {
      write(fd, content, done, content.length - done, position + done, (error, bytes) => {
        if (error !== null) reject(error)
        else if (done + bytes < content.length) next(done + bytes)
        else resolve()
      })
    }
    next(0)
  })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
