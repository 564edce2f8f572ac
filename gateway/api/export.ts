import { z } from '@hono/zod-openapi'
import type { Receipt } from '../../credits/receipt.ts'
import { parseRowKey } from '../../credits/usage-row.ts'
import type { EntryFilter } from '../../journal/activity.ts'
import { type Api, Id, userRoute } from '../route.ts'
import { billingDays } from './billing-days.ts'
import type { ApiDeps } from './deps.ts'
import { loaded } from './reading.ts'
import { type BookedCharge, csvHead, csvLines } from './usage-csv.ts'
import { boundsOf, rangeOf } from './usage-selection.ts'

const day = z.iso.date().openapi({ example: '2026-11-14' })

const route = userRoute({
  method: 'get',
  path: '/credits/v1/export.csv',
  summary: 'Every charge as a sheet',
  description:
    'RFC 4180, UTF-8, newest first, for the same selection as `GET /credits/v1/usage`: the sum of `credits` is its `total`. A charge that was adjusted later has two lines, which add up. ' +
    'It is sent while it is read: an answer that breaks off is not complete. 503 `journal_unavailable` while the journal is away.',
  request: {
    query: z.object({
      period: z.coerce.number().int().min(1).optional(),
      from: day.optional(),
      to: day.optional(),
      organization: Id.optional(),
      employee: Id.optional(),
    }),
  },
  responses: {
    200: { description: 'The sheet', content: { 'text/csv': { schema: z.string() } } },
  },
})

const pageSize = 200

type ExportDeps = Pick<ApiDeps, 'ledger' | 'loader' | 'journal' | 'undrained' | 'accounts' | 'clock'>

export function exportRoutes(app: Api, deps: ExportDeps): void {
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { organization, employee, ...selection } = c.req.valid('query')
    const reading = await loaded(() => deps.ledger.inspect(accountId), deps.loader, accountId)
    const { timeZone } = reading.card
    const range = rangeOf(selection, timeZone)
    const epoch = selection.period ?? reading.epoch
    const bounds = range ?? (await boundsOf(deps, accountId, epoch, reading))
    const charges = chargesOf(deps, accountId, { organization, employee, ...(range ?? { epoch }) })
    // The first page before the answer begins: what can be refused is refused, not broken off.
    const first = await charges.next()
    return c.body(sheet(first, charges), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${fileName(bounds, timeZone)}"`,
      'cache-control': 'no-store',
    })
  })
}

type Pages = AsyncGenerator<readonly BookedCharge[], void>

/** Page by page as the reader takes them: however long the list, one page is in memory. */
function sheet(first: IteratorResult<readonly BookedCharge[], void>, pages: Pages): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder()
  let next: IteratorResult<readonly BookedCharge[], void> = first
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes.encode(csvHead)),
    async pull(controller) {
      if (next.done === true) return controller.close()
      controller.enqueue(bytes.encode(csvLines(next.value)))
      next = await pages.next()
    },
    async cancel() {
      await pages.return()
    },
  })
}

/** Newest first: what the journal has not got yet, then its pages. What is drained meanwhile is in the sheet once. */
async function* chargesOf({ undrained, journal }: ExportDeps, accountId: string, filter: EntryFilter): Pages {
  const waiting = await undrained(accountId, (receipt) => fits(receipt, filter))
  const sent = new Set<string>()
  const news: BookedCharge[] = []
  for (const receipt of waiting) {
    const known = await journal.receipt(accountId, receipt.id)
    // It has been drained since, or comes twice
    if (known?.kind === 'settled' || known?.kind === receipt.kind || sent.has(nameOf(receipt))) continue
    sent.add(nameOf(receipt))
    const expired = known ?? waiting.find((other) => other.id === receipt.id && other.kind === 'expired')
    news.push({
      receipt,
      added: receipt.kind === 'settled' && expired ? difference(receipt, expired) : addedBy(receipt),
    })
  }
  let before: readonly BookedCharge[] = news
  let cursor: string | undefined
  do {
    const page = await journal.activity(accountId, { ...filter, cursor, limit: pageSize })
    if (!page.ok) throw new Error(`the journal does not know its own cursor: ${cursor}`)
    const stored = page.entries.filter((entry) => !sent.has(nameOf(entry)))
    yield [...before, ...stored.map((entry) => ({ receipt: entry, added: entry.added }))]
    before = []
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
}

const nameOf = ({ kind, id }: Receipt): string => `${kind} ${id}`

function fits({ row, atMs, epoch }: Receipt, filter: EntryFilter): boolean {
  const { employee, organization } = parseRowKey(row)
  return (
    (filter.employee === undefined || employee === filter.employee) &&
    (filter.organization === undefined || organization === filter.organization) &&
    (filter.epoch === undefined || epoch === filter.epoch) &&
    (filter.fromMs === undefined || atMs >= filter.fromMs) &&
    (filter.toMs === undefined || atMs < filter.toMs)
  )
}

function addedBy({ charged, quantities }: Receipt): BookedCharge['added'] {
  return { charged, ...quantities }
}

function difference(settled: Receipt, expired: Receipt): BookedCharge['added'] {
  const { charged, units, inputTokens, outputTokens } = addedBy(expired)
  const now = addedBy(settled)
  return {
    charged: now.charged - charged,
    units: now.units - units,
    inputTokens: now.inputTokens - inputTokens,
    outputTokens: now.outputTokens - outputTokens,
  }
}

function fileName({ fromMs, toMs }: { fromMs: number; toMs: number }, timeZone: string): string {
  const days = billingDays(fromMs, toMs, timeZone)
  return `credit-usage_${days[0]!.day}_${days.at(-1)!.day}_${timeZone.replaceAll('/', '-')}.csv`
}
