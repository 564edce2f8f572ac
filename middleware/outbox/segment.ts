import type { FileHandle } from 'node:fs/promises'
import { parseHead, type RecordHead } from './record.ts'

/** One append-only file of a log. */
export interface Segment {
  readonly path: string
  readonly file: FileHandle
  bytes: number
  /** Entries whose line is here, and its bytes. */
  entries: number
  entryBytes: number
  /** Holds lines that could not be read: kept for the operator instead of being deleted. */
  broken: boolean
}

export interface ReadLine {
  readonly record: RecordHead
  readonly offset: number
  readonly bytes: number
}

export interface ReadSegment {
  readonly lines: readonly ReadLine[]
  /** Lines that fail their checksum, or say nothing that is known. */
  readonly broken: number
  /** Bytes of a last line without its end: its write was cut off, and nobody was told that it succeeded. */
  readonly tornBytes: number
}

const lineEnd = 0x0a

/** The records in a segment's bytes, in order. Never throws for what may stand there. Empty lines are skipped. */
export function readSegment(content: Buffer): ReadSegment {
  const lines: ReadLine[] = []
  let broken = 0
  let offset = 0
  for (;;) {
    const end = content.indexOf(lineEnd, offset)
    if (end === -1) break
    if (end > offset) {
      const record = parseHead(content.toString('utf8', offset, end))
      if (record === null) broken += 1
      else lines.push({ record, offset, bytes: end + 1 - offset })
    }
    offset = end + 1
  }
  return { lines, broken, tornBytes: content.length - offset }
}

const name = /^(\d{8})\.log$/

export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.log`
}

/** null for a file that is no segment. */
export function segmentNumber(file: string): number | null {
  const match = name.exec(file)
  return match === null ? null : Number(match[1])
}
