import type { LedgerContext } from './context.ts'
import { accountKeys } from './keys.ts'
import type { Measurement, MeasureRequest, MeterSegment } from './ledger.ts'
import { asReply, integerOf } from './replies.ts'

const names = /^[A-Za-z0-9_-]{1,64}$/

/** Looks at a meter, and begins, renews or ends one of its leases. Throws RangeError for names and times that are none. */
export async function measure(context: LedgerContext, request: MeasureRequest): Promise<Measurement> {
  const { accountId, meter, lease, act, leaseMs, longestMs, keptMs, untoldMs, stoppedAgoMs, safe } = request
  if (!names.test(meter) || !names.test(lease))
    throw new RangeError(`not the names of a meter and a lease: ${meter} ${lease}`)
  if (![leaseMs, longestMs, keptMs].every((ms) => Number.isSafeInteger(ms) && ms > 0))
    throw new RangeError(`not times in ms: ${leaseMs} ${longestMs} ${keptMs}`)
  if (![untoldMs, stoppedAgoMs].every((ms) => Number.isSafeInteger(ms) && ms >= 0))
    throw new RangeError(`not times in ms: ${untoldMs} ${stoppedAgoMs}`)
  const reply = asReply(
    await context.run(
      'measure',
      [accountKeys(accountId).meter(meter)],
      [
        act,
        lease,
        leaseMs,
        longestMs,
        keptMs,
        untoldMs,
        stoppedAgoMs,
        ...safe.map(({ number, bornMs }) => `${number}-${bornMs}`),
      ],
    ),
  )
  const [nowMs, leases, ...numbers] = reply.map(integerOf)
  const segments: MeterSegment[] = []
  for (let at = 0; at < numbers.length; at += 3)
    segments.push({ number: numbers[at]!, bornMs: numbers[at + 1]!, ms: numbers[at + 2]! })
  const [open, ...ended] = segments
  return { nowMs: nowMs!, leases: leases!, open: open!.number === 0 ? null : open!, ended }
}
