import type { Catalogue, PricedActivity } from '../../credits/catalogue.ts'
import { meteredCost } from '../../credits/metered-cost.ts'
import { priceUsage } from '../../credits/price-usage.ts'
import { compilePrices } from '../../credits/prices.ts'
import type { ReceiptDetail } from '../../credits/receipt.ts'
import { resolveModel } from '../../credits/resolve-model.ts'
import { noQuantities } from '../../credits/usage-row.ts'
import type { Work } from '../../middleware/gate.ts'
import { priceWork, rowOf } from '../../middleware/temporal/price-work.ts'

export type Tier = 'fast' | 'standard' | 'advanced'

/** For which message, of whom, and when. */
export interface PastOccasion {
  readonly employee: string
  readonly messageId: string
  readonly atMs: number
}

export interface PastPrices {
  modelCall(when: PastOccasion, call: ModelCall): Work
  /** An activity with a price per piece; `item` where it has a line of its own. */
  activity(when: PastOccasion, name: string, item?: string): Work
  /** An activity with a price per minute. */
  minutes(when: PastOccasion, name: string, ms: number): Work
}

export interface ModelCall {
  readonly tier: Tier
  /** undefined: it answers the user. */
  readonly internal?: 'safety' | 'memory'
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What receipts of the past say, so that nobody takes them for more than they are. */
const purpose = 'demo history'
export const demoOrganization = { id: 'demo', name: 'Demo history' } as const

/** Works out what work costs by the catalogue, as the gateway and the plugin do. */
export function createPastPrices(catalogue: Catalogue): PastPrices {
  const prices = compilePrices(catalogue)

  function entryOf(name: string): PricedActivity {
    const entry = catalogue.activities.find((each) => each.name === name)
    if (entry === undefined || !('price' in entry)) throw new RangeError(`the catalogue has no price of ${name}`)
    return entry
  }
  const whoOf = ({ employee, messageId }: PastOccasion) => ({
    account: '',
    organization: demoOrganization.id,
    employee,
    message: messageId,
  })
  const detailOf = (
    { messageId, atMs }: PastOccasion,
    more: Pick<ReceiptDetail, 'provider' | 'pricedAs' | 'durationMs' | 'lines'>,
  ): ReceiptDetail => ({
    messageId,
    task: '',
    purpose,
    catalogueVersion: catalogue.version,
    priceVersion: prices.version,
    startedAtMs: atMs - more.durationMs,
    outcome: 'finished',
    estimated: false,
    ...more,
  })

  return {
    modelCall(when, { tier, internal, inputTokens, outputTokens }) {
      const model = resolveModel(catalogue, prices, tier, { usable: () => true })
      if (!('pricedAs' in model)) throw new RangeError(`no model of the tier ${tier} has a price`)
      const cachedTokens = Math.floor(inputTokens * 0.4)
      const reasoningTokens = model.hiddenReasoning ? Math.floor(outputTokens * 0.3) : 0
      const usage = { input_tokens: inputTokens, cache_read_tokens: cachedTokens, output_tokens: outputTokens }
      const price = priceUsage(prices.ratesOf(model.pricedAs)!, usage, when.atMs)
      if (!price.ok) throw new RangeError(price.notPriced)
      const row = rowOf(internal === undefined ? 'ai_usage' : 'internal', internal ?? '', whoOf(when))
      const { provider, pricedAs } = model
      return {
        actual: price.total,
        row: { ...row, tier, model: model.id },
        quantities: { units: 1, inputTokens, cachedTokens, outputTokens, reasoningTokens },
        detail: detailOf(when, { provider, pricedAs, durationMs: outputTokens * 12, lines: price.lines }),
      }
    },
    activity(when, name, item) {
      const occasion = {
        who: whoOf(when),
        task: '',
        startedAtMs: when.atMs,
        durationMs: 0,
        outcome: 'finished',
      } as const
      const work = priceWork(catalogue, entryOf(name), occasion, { item })
      return { ...work, detail: { ...work.detail, purpose } }
    },
    minutes(when, name, ms) {
      const { category, item, price } = entryOf(name)
      const actual = meteredCost(ms, price)
      const lines = [{ kind: 'runtime', quantity: ms, unit: 'ms', rate: '', amount: actual }]
      return {
        actual,
        row: rowOf(category, item, whoOf(when)),
        quantities: { ...noQuantities, units: ms },
        detail: detailOf(when, { provider: '', pricedAs: '', durationMs: ms, lines }),
      }
    },
  }
}
