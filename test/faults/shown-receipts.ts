import type { Attempt, Caller } from './callers.ts'

/** So many of the calls whose end was heard are looked up, evenly spread. */
const looked = 40

/** What the API shows of calls whose callers heard the end: by receipt, charged and uncollected together, µcr; null where it shows none. */
export async function shownReceipts(
  urls: readonly string[],
  callers: readonly Caller[],
  attempts: readonly Attempt[],
): Promise<ReadonlyMap<string, number | null>> {
  const keys = new Map(callers.map(({ accountId, apiKey }) => [accountId, apiKey]))
  const told = attempts.filter(({ toldMicro }) => toldMicro !== undefined)
  const step = Math.max(1, Math.floor(told.length / looked))
  const shown = new Map<string, number | null>()
  for (const { receipt, accountId, gateway } of told.filter((_, index) => index % step === 0)) {
    // By the other gateway than the one that served the call
    const answer = await fetch(`${urls[1 - gateway]}/credits/v1/receipts/${receipt}`, {
      headers: { authorization: `Bearer ${keys.get(accountId)}` },
    })
    const body = (await answer.json()) as { readonly total?: number }
    shown.set(receipt, body.total ?? null)
  }
  return shown
}
