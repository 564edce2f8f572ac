import type { Catalogue, ModelFacts, Provider, TierId } from './catalogue.ts'
import type { PriceBook } from './prices.ts'
import type { EmployeeCard } from './terms.ts'

/** The model that answers a call, and under whose price. */
export interface Resolved {
  /** Provider id. */
  readonly provider: string
  /** The name that is sent upstream. */
  readonly model: string
  /** `provider/model` */
  readonly id: string
  /** The tier that lists the model, however it was named; '' when none does. */
  readonly tier: TierId | ''
  /** What `PriceBook.ratesOf` is asked: for the practice provider, the model it stands for. */
  readonly pricedAs: string
  /** Zero-rated: metered, and answered at zero balance too. */
  readonly free: boolean
  readonly hiddenReasoning: boolean
  readonly maxOutputTokens: number
  readonly contextWindow: number
}

/** `unknown` is the code model_not_found, `notPriced` is model_not_priced; both repeat the name that was asked for. */
export type ModelAnswer = Resolved | { readonly unknown: string } | { readonly notPriced: string }

export interface ResolveContext {
  /** Whose tier or model the name `employee` means. */
  readonly employee?: EmployeeCard | undefined
  /** Whether a provider has its key, or needs none. */
  readonly usable: (providerId: string) => boolean
}

/**
 * What a model name means: a tier (`fast`), `employee`, `provider/model`, or a bare model name, which is looked for in the tiers,
 * then among the catalogue's models, then in the price lists of usable providers, in the catalogue's order.
 */
export function resolveModel(
  catalogue: Catalogue,
  prices: PriceBook,
  name: string,
  context: ResolveContext,
): ModelAnswer {
  if (name === 'employee') {
    const { employee } = context
    if (employee === undefined) return { unknown: name }
    const meant = employee.model === '' ? employee.tier : employee.model
    // An employee's own settings may not name `employee` again.
    return meant === 'employee' ? { unknown: name } : resolveModel(catalogue, prices, meant, context)
  }
  const tier = catalogue.tiers.find(({ id }) => id === name)
  const candidates = tier === undefined ? candidatesOf(catalogue, prices, name) : tier.models
  let unpriced = false
  for (const id of candidates) {
    const answer = resolveId(catalogue, prices, id, context)
    if (answer === 'not_priced') unpriced = true
    else if (answer !== 'unknown') return answer
  }
  return unpriced ? { notPriced: name } : { unknown: name }
}

/** What a name lists at `GET /v1/models`: tiers and `employee`, then every model that the catalogue names and a usable provider serves. */
export interface ListedModel {
  readonly id: string
  /** Provider id, or 'tollgate' for a name that stands for a model. */
  readonly ownedBy: string
}

export function listModels(catalogue: Catalogue, usable: (providerId: string) => boolean): readonly ListedModel[] {
  const named = [
    ...catalogue.tiers.flatMap(({ models }) => models),
    ...catalogue.models.map(({ id }) => id).filter((id) => !id.endsWith('*')),
    ...catalogue.prices.map(({ model }) => model),
  ]
  const served = [...new Set(named)].flatMap((id) => {
    const provider = split(catalogue, id)?.provider
    return provider !== undefined && usable(provider.id) ? [{ id, ownedBy: provider.id }] : []
  })
  const aliases = [...catalogue.tiers.map(({ id }) => id as string), 'employee'].map((id) => ({
    id,
    ownedBy: 'tollgate',
  }))
  return [...aliases, ...served]
}

/** Facts of the longest entry that fits `provider/model`; the parser sees to it that `*` is there. */
export function factsOf(catalogue: Pick<Catalogue, 'models'>, id: string): ModelFacts {
  const fitting = catalogue.models.filter((facts) =>
    facts.id.endsWith('*') ? id.startsWith(facts.id.slice(0, -1)) : id === facts.id,
  )
  const [first, ...others] = fitting
  if (first === undefined) throw new RangeError(`the catalogue has no facts for ${id}`)
  return others.reduce((best, facts) => (weight(facts) > weight(best) ? facts : best), first)
}

/** An exact entry beats a pattern of the same length. */
function weight({ id }: ModelFacts): number {
  return id.endsWith('*') ? id.length - 1 : id.length + 0.5
}

function candidatesOf(catalogue: Catalogue, prices: PriceBook, name: string): readonly string[] {
  if (split(catalogue, name) !== undefined) return [name]
  const listed = [
    ...catalogue.tiers.flatMap(({ models }) => models),
    ...catalogue.models.map(({ id }) => id),
    ...catalogue.prices.map(({ model }) => model),
  ]
  return [
    ...listed.filter((id) => split(catalogue, id)?.model === name),
    ...catalogue.providers
      .filter(({ kind, pricesFrom }) => kind !== 'ollama' && prices.knows(`${pricesFrom}/${name}`))
      .map(({ id }) => `${id}/${name}`),
  ]
}

function resolveId(
  catalogue: Catalogue,
  prices: PriceBook,
  id: string,
  { usable }: ResolveContext,
): Resolved | 'unknown' | 'not_priced' {
  const parts = split(catalogue, id)
  if (parts === undefined || !usable(parts.provider.id)) return 'unknown'
  const { provider, model } = parts
  const ownPrice = catalogue.prices.some((price) => price.model.toLowerCase() === id.toLowerCase())
  const pricedAs = ownPrice || provider.kind === 'ollama' ? id : `${provider.pricesFrom}/${model}`
  const rates = prices.ratesOf(pricedAs)
  if (rates === undefined || !rates.pricesText) {
    const known = rates !== undefined || prices.knows(pricedAs) || catalogue.models.some((facts) => facts.id === id)
    return known ? 'not_priced' : 'unknown'
  }
  const { hiddenReasoning, maxOutputTokens, contextWindow } = factsOf(catalogue, id)
  return {
    provider: provider.id,
    model,
    id,
    tier: catalogue.tiers.find(({ models }) => models.includes(id))?.id ?? '',
    pricedAs,
    free: provider.kind === 'ollama' && !ownPrice,
    hiddenReasoning,
    maxOutputTokens,
    contextWindow,
  }
}

/** Only the first slash separates: model names have slashes of their own (`groq/openai/gpt-oss-120b`). */
function split(
  catalogue: Pick<Catalogue, 'providers'>,
  id: string,
): { readonly provider: Provider; readonly model: string } | undefined {
  const slash = id.indexOf('/')
  const provider = slash < 0 ? undefined : catalogue.providers.find((candidate) => candidate.id === id.slice(0, slash))
  const model = id.slice(slash + 1)
  return provider === undefined || model === '' ? undefined : { provider, model }
}
