import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { isChargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import { categories } from '../../credits/usage-row.ts'
import type { ChargeRequest, SettleRequest } from '../../ledger/ledger.ts'

/** What is on disk: something to send, or what has become of a charge since. */
export type OutboxRecord = SendRecord | FateRecord

export type SendRecord =
  | { readonly kind: 'settle'; readonly notedAtMs: number; readonly request: SettleRequest }
  /** `accepted` says whether a success was heard before. */
  | { readonly kind: 'charge'; readonly notedAtMs: number; readonly request: ChargeRequest }

export interface FateRecord {
  /** `accepted`: its first success. `refused`: it was never accepted and never will be; the same id may be charged anew. */
  readonly kind: 'accepted' | 'refused'
  readonly accountId: string
  readonly id: string
}

/** One line: eight hexadecimal digits of CRC-32, a space, JSON, a line end. JSON has no raw line end inside, so a prefix of a line is never a line. */
export function formatRecord(record: OutboxRecord): string {
  const json = JSON.stringify(record)
  return `${checksum(json)} ${json}\n`
}

/** The record of a line without its end; null for a line that is broken. */
export function parseRecord(line: string): OutboxRecord | null {
  return parseWith(schema, line)
}

/** What a line is about: enough to find the record again, at a fraction of the time. A gateway may start with a million of them. */
export type RecordHead = z.infer<typeof headSchema>

export function parseHead(line: string): RecordHead | null {
  return parseWith(headSchema, line)
}

function parseWith<T>(shape: z.ZodType<T>, line: string): T | null {
  const json = line.slice(9)
  if (line[8] !== ' ' || line.slice(0, 8) !== checksum(json)) return null
  try {
    return shape.safeParse(JSON.parse(json)).data ?? null
  } catch {
    return null
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}

const amount = z.number().transform((value) => toMicro(value))
const count = z.number().int().nonnegative()
const name = { accountId: z.string(), id: z.string().refine(isChargeId) }
const send = {
  ...name,
  actual: amount,
  row: z.object({
    category: z.enum(categories),
    tier: z.string(),
    model: z.string(),
    item: z.string(),
    employee: z.string(),
    organization: z.string(),
  }),
  quantities: z.object({
    units: count,
    inputTokens: count,
    cachedTokens: count,
    outputTokens: count,
    reasoningTokens: count,
  }),
  levels: z.array(z.string()),
  // The ledger carries it as opaque JSON, and so does the outbox.
  detail: z.custom<ReceiptDetail>((value) => typeof value === 'object' && value !== null),
  began: z.object({ epoch: count, windows: z.array(z.string()) }).optional(),
}
const schema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('settle'), notedAtMs: z.number(), request: z.object(send) }),
  z.object({ kind: z.literal('charge'), notedAtMs: z.number(), request: z.object({ ...send, accepted: z.boolean() }) }),
  z.object({ kind: z.enum(['accepted', 'refused']), ...name }),
])

const headSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('settle'), notedAtMs: z.number(), request: z.object(name) }),
  z.object({
    kind: z.literal('charge'),
    notedAtMs: z.number(),
    request: z.object({ ...name, accepted: z.boolean() }),
  }),
  z.object({ kind: z.enum(['accepted', 'refused']), ...name }),
])
