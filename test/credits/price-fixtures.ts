import { calcPrice, findProvider } from '@pydantic/genai-prices'
import type { ConditionalPrice, ModelInfo } from '@pydantic/genai-prices'

import { compilePrices } from '../../credits/prices.ts'
import type { PriceBook } from '../../credits/prices.ts'
import providerIds from './priced-providers.json' with { type: 'json' }

/** List prices, without overrides: what the library itself would say. */
export function listPrices(
  markup: { numerator: bigint; denominator: bigint } = { numerator: 1n, denominator: 1n },
): PriceBook {
  return compilePrices({ markup, prices: [], providers: [] })
}

export interface PricedModel {
  readonly provider: string
  readonly name: string
  readonly info: ModelInfo
}

/** Every model of the library that has a price, where the library finds it by its own id. */
export function pricedModels(): readonly PricedModel[] {
  return providerIds.flatMap((provider) =>
    findProvider({ providerId: provider })!.models.flatMap(({ id }) => {
      const info = calcPrice({}, id, { providerId: provider })?.model
      const priced = info !== undefined && variantsOf(info).every(({ prices }) => Object.keys(prices).length > 0)
      return priced ? [{ provider, name: id, info }] : []
    }),
  )
}

export function variantsOf({ prices }: ModelInfo): readonly ConditionalPrice[] {
  return Array.isArray(prices) ? prices : [{ prices }]
}

/** mulberry32: the same usages on every run, so that a failure can be looked at again. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
