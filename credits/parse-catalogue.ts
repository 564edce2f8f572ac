import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node } from 'yaml'

import type { Activity, Catalogue, Provider } from './catalogue.ts'
import { tierIds } from './catalogue.ts'
import { catalogueShape } from './catalogue-schema.ts'
import type { CatalogueText } from './catalogue-schema.ts'
import { creditsToMicro } from './money.ts'
import { faultOfUnits } from './model-rates.ts'
import { compilePrices } from './prices.ts'
import { sessionKinds } from './session/session.ts'
import type { UsageKey } from './usage-units.ts'

/** Where a catalogue is wrong, and what to do. Lines and columns count from 1. */
export interface CatalogueError {
  readonly line: number
  readonly column: number
  /** `plans.pro.allowance`, `tiers.fast.models[1]`; '' for the file as a whole. */
  readonly path: string
  readonly message: string
}

export type CatalogueAnswer =
  | { readonly ok: true; readonly catalogue: Catalogue }
  | { readonly ok: false; readonly errors: readonly CatalogueError[] }

/** Reads the text of catalogue.yaml. All mistakes are reported at once, in the order of their lines; it never throws. */
export function parseCatalogue(text: string): CatalogueAnswer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, strict: true, version: '1.2' })
  const place = (offset: number): Pick<CatalogueError, 'line' | 'column'> => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  if (document.errors.length > 0) {
    return {
      ok: false,
      errors: document.errors.map(({ pos, code, message }) => ({
        ...place(pos[0]),
        path: pathText(pathAt(document.contents, pos[0])),
        message: wordsOf(code, message),
      })),
    }
  }
  const faults: Fault[] = []
  const value = document.contents === null ? undefined : plain(document.contents, [], faults)
  if (value === undefined)
    faults.push({ path: [], message: 'the catalogue is empty: start from the catalogue.yaml that comes with Tollgate' })
  if (faults.length === 0) {
    const parsed = catalogueShape.safeParse(value)
    if (parsed.success) {
      const catalogue = catalogueOf(parsed.data)
      faults.push(...faultsOf(catalogue, parsed.data))
      if (faults.length === 0) return { ok: true, catalogue }
    } else {
      faults.push(...parsed.error.issues.flatMap(faultsOfIssue))
    }
  }
  const errors = faults.map(({ path, message, at }) => ({
    ...place(offsetOf(document, path, at)),
    path: pathText(path),
    message,
  }))
  return { ok: false, errors: errors.toSorted((one, other) => one.line - other.line || one.column - other.column) }
}

/** One line per error, as compilers print them: `catalogue.yaml:12:5 plans.pro.allowance: must be …`. */
export function formatCatalogueErrors(errors: readonly CatalogueError[], fileName = 'catalogue.yaml'): string {
  return errors
    .map(
      ({ line, column, path, message }) => `${fileName}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`,
    )
    .join('\n')
}

type Path = readonly (string | number)[]

interface Fault {
  readonly path: Path
  readonly message: string
  /** `key`: the name of the entry is wrong, not what it holds. */
  readonly at?: 'key'
}

/** The document as plain data, every number as its source text. */
function plain(node: Node, path: Path, faults: Fault[]): unknown {
  if (isScalar(node)) return typeof node.value === 'number' ? (node.source ?? String(node.value)) : node.value
  if (isSeq(node)) return node.items.map((item, at) => plain(item as Node, [...path, at], faults))
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }) => {
      const name = isScalar(key) ? (key.source ?? String(key.value)) : ''
      const inside = [...path, name]
      if (name === '' || name === '__proto__') faults.push({ path: inside, message: 'is not a name', at: 'key' })
      return [name, value === null ? null : plain(value as Node, inside, faults)] as const
    })
    return Object.fromEntries(entries)
  }
  faults.push({ path, message: `${isAlias(node) ? 'an alias (*)' : 'this'} cannot be used here: write the entry out` })
  return null
}

function catalogueOf(data: CatalogueText): Catalogue {
  const entries = <Value>(of: Readonly<Record<string, Value>>) => Object.entries(of)
  return {
    version: data.version,
    markup: { numerator: data.markup.numerator, denominator: data.markup.denominator },
    plans: entries(data.plans).map(([id, { name, allowance, price }]) => ({ id, name, allowance, priceCents: price })),
    defaultPlan: data.defaultPlan,
    packs: entries(data.packs).map(([id, { name, amount, price }]) => ({ id, name, amount, priceCents: price })),
    providers: entries(data.providers).map(([id, provider]): Provider => ({
      id,
      kind: provider.kind,
      baseUrl: provider.baseUrl ?? '',
      baseUrlEnv: provider.baseUrlEnv ?? '',
      keyEnv: provider.keyEnv ?? '',
      pricesFrom: provider.pricesFrom ?? id,
      onHangUp: provider.onHangUp,
    })),
    tiers: tierIds.map((id) => ({ id, ...data.tiers[id] })),
    models: entries(data.models).map(([id, facts]) => ({ id, ...facts })),
    prices: entries(data.prices).map(([model, rates]) => ({
      model,
      creditsPerMillion: Object.fromEntries(entries(rates).map(([key, { text }]) => [key, text])),
    })),
    activities: entries(data.activities).map(([name, activity]): Activity => {
      if (activity.free === true) return { name, free: true }
      if (activity.chargedBy !== undefined) return { name, chargedBy: activity.chargedBy }
      const { category = 'tool_calls', item = '', price = 0 as never, per = '' } = activity
      return { name, category, item, price, per }
    }),
    images: {
      models: data.images?.models ?? [],
      qualities: entries(data.images?.qualities ?? {}).map(([quality, activity]) => ({ quality, activity })),
    },
    sessions: {
      kinds: sessionKinds.flatMap((kind) => {
        const entry = data.sessions?.[kind]
        return entry === undefined ? [] : [{ kind, activity: entry.activity, longestMs: entry.longestMinutes * 60_000 }]
      }),
      rounding: data.sessions?.rounding ?? 'second',
      silentAfterMs: (data.sessions?.silentAfterSeconds ?? 30) * 1_000,
      warnMs: (data.sessions?.warnMinutes ?? 2) * 60_000,
    },
    bonuses: data.bonuses,
    alerts: data.alerts,
    policies: {
      ...data.policies,
      exposureCap: data.policies.exposureCap === 'none' ? null : data.policies.exposureCap,
      largestCorrection: data.policies.largestCorrection ?? creditsToMicro(100),
      runtime: data.policies.runtime ?? 'active',
      upgrade: data.policies.upgrade ?? 'full',
      alertMail: data.policies.alertMail ?? true,
    },
  }
}

/** What no schema can say: references between entries, and whether models have prices. */
function faultsOf(catalogue: Catalogue, data: CatalogueText): Fault[] {
  const faults: Fault[] = []
  const fault = (path: Path, message: string, at?: 'key'): void => {
    faults.push({ path, message, ...(at === undefined ? {} : { at }) })
  }
  const planIds = catalogue.plans.map(({ id }) => id)
  if (!planIds.includes(catalogue.defaultPlan)) fault(['defaultPlan'], `is not one of the plans: ${planIds.join(', ')}`)
  for (const [at, percent] of catalogue.alerts.entries()) {
    if (at > 0 && percent >= catalogue.alerts[at - 1]!)
      fault(['alerts', at], 'must be less than the one before: alerts go from the highest to the lowest')
  }
  for (const name of ['welcome', 'referral'] as const) {
    const { keeps, periods } = catalogue.bonuses[name]
    if (!keeps && periods !== undefined)
      fault(['bonuses', name, 'periods'], 'only with keeps: true: what resets ends with its period')
  }
  for (const [name, activity] of Object.entries(data.activities)) faults.push(...faultsOfActivity(name, activity))
  for (const provider of catalogue.providers) {
    const path = ['providers', provider.id]
    if (provider.kind !== 'practice' && provider.baseUrl === '')
      fault(path, 'needs a baseUrl, such as https://api.openai.com/v1')
    if (provider.kind === 'practice' && data.providers[provider.id]?.pricesFrom === undefined)
      fault(path, 'needs pricesFrom: the provider whose models it stands for, such as openai')
  }
  const providerOf = (id: string): Provider | undefined =>
    catalogue.providers.find((provider) => provider.id === id.slice(0, id.indexOf('/')))
  const unknownProvider = `names a provider that does not exist; there are: ${catalogue.providers.map(({ id }) => id).join(', ')}`
  for (const { id, contextWindow, maxOutputTokens } of catalogue.models) {
    if (id !== '*' && providerOf(id) === undefined) fault(['models', id], unknownProvider, 'key')
    if (maxOutputTokens > contextWindow) fault(['models', id, 'maxOutputTokens'], 'cannot be more than contextWindow')
  }
  if (!catalogue.models.some(({ id }) => id === '*')) fault(['models'], "needs a last entry '*' for all other models")
  for (const { model, creditsPerMillion } of catalogue.prices) {
    if (providerOf(model) === undefined) fault(['prices', model], unknownProvider, 'key')
    const units = faultOfUnits(Object.keys(creditsPerMillion) as (UsageKey | 'requests')[])
    if (units !== '') fault(['prices', model], units)
    else if (Object.keys(creditsPerMillion).length === 0)
      fault(['prices', model], 'needs input_tokens and output_tokens')
  }
  const { unknownActivity } = catalogue.policies
  const priced = namesOfPriced(catalogue)
  if (unknownActivity !== 'free' && unknownActivity !== 'refuse' && !priced.includes(unknownActivity))
    fault(['policies', 'unknownActivity'], `must be free, refuse, or an activity with a price: ${priced.join(', ')}`)
  if (data.images !== undefined) faults.push(...faultsOfImages(catalogue, providerOf, unknownProvider))
  for (const { kind, activity } of catalogue.sessions.kinds) {
    const entry = catalogue.activities.find(({ name }) => name === activity)
    if (entry === undefined || !('price' in entry) || entry.per !== 'minute')
      fault(['sessions', kind, 'activity'], `must be an activity with a price per minute: ${minutely(catalogue)}`)
  }
  if (faults.length > 0) return faults

  const prices = compilePrices(catalogue)
  for (const { id: tier, models } of catalogue.tiers) {
    for (const [at, id] of models.entries()) {
      const path = ['tiers', tier, 'models', at]
      const provider = providerOf(id)
      if (provider === undefined) fault(path, unknownProvider)
      else if (models.indexOf(id) < at) fault(path, 'is in this tier already')
      else if (!hasPrice(catalogue, prices, id, provider)) {
        fault(
          path,
          `has no price in the price list of '${provider.pricesFrom}': correct the name, or add its price under prices`,
        )
      }
    }
  }
  return faults
}

function hasPrice(
  catalogue: Catalogue,
  prices: ReturnType<typeof compilePrices>,
  id: string,
  { kind, pricesFrom }: Provider,
): boolean {
  const own = kind === 'ollama' || catalogue.prices.some(({ model }) => model === id)
  return prices.ratesOf(own ? id : `${pricesFrom}${id.slice(id.indexOf('/'))}`)?.pricesText === true
}

function namesOfPriced({ activities }: Pick<Catalogue, 'activities'>): string[] {
  return activities.flatMap((activity) => ('price' in activity ? [activity.name] : []))
}

function minutely({ activities }: Pick<Catalogue, 'activities'>): string {
  return activities
    .flatMap((activity) => ('price' in activity && activity.per === 'minute' ? [activity.name] : []))
    .join(', ')
}

function faultsOfImages(
  { images: { models, qualities }, activities }: Pick<Catalogue, 'images' | 'activities'>,
  providerOf: (id: string) => Provider | undefined,
  unknownProvider: string,
): Fault[] {
  const priced = namesOfPriced({ activities })
  return [
    ...models.flatMap((id, at): Fault[] => {
      const path = ['images', 'models', at]
      if (providerOf(id) === undefined) return [{ path, message: unknownProvider }]
      return models.indexOf(id) < at ? [{ path, message: 'is in this list already' }] : []
    }),
    ...qualities.flatMap(({ quality, activity }): Fault[] =>
      priced.includes(activity)
        ? []
        : [
            {
              path: ['images', 'qualities', quality],
              message: `is not an activity with a price; there are: ${priced.join(', ')}`,
            },
          ],
    ),
    ...(qualities.some(({ quality }) => quality === '*')
      ? []
      : [{ path: ['images', 'qualities'], message: "needs an entry '*' for all other qualities" }]),
  ]
}

function faultsOfActivity(name: string, activity: CatalogueText['activities'][string]): Fault[] {
  const path = ['activities', name]
  const kinds = (['free', 'chargedBy', 'price'] as const).filter((kind) => activity[kind] !== undefined)
  if (kinds.length > 1) return [{ path, message: `is ${kinds.join(' and ')} at once: keep one of them` }]
  if (activity.free === false)
    return [
      { path: [...path, 'free'], message: 'must be true, or be left out and replaced by category, price and per' },
    ]
  if (kinds.length === 0) return [{ path, message: 'needs free: true, chargedBy: gateway, or category, price and per' }]
  if (kinds[0] !== 'price') return []
  return (['category', 'per'] as const).flatMap((key) =>
    activity[key] === undefined ? [{ path, message: `has a price, so it needs ${key} too` }] : [],
  )
}

function faultsOfIssue(issue: {
  readonly code?: string
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly keys?: readonly string[]
  readonly issues?: readonly { readonly message: string }[]
}): Fault[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys')
    return (issue.keys ?? []).map((key) => ({ path: [...path, key], message: issue.message, at: 'key' }))
  if (issue.code === 'invalid_key') return [{ path, message: issue.issues?.[0]?.message ?? issue.message, at: 'key' }]
  return [{ path, message: issue.message }]
}

function wordsOf(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'is there twice: keep one of the two entries'
  if (code === 'TAB_AS_INDENT') return 'indents with a tab: use spaces'
  return `is not YAML: ${message}`
}

/** Where the path leads in the text, or as near as the text goes: what is missing is reported at what should hold it. */
function offsetOf(document: Document, path: Path, at?: 'key'): number {
  let node: Node | null = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && (key.source ?? String(key.value)) === part)
      if (pair === undefined) return offset
      const key = pair.key as Node
      offset = key.range?.[0] ?? offset
      if (at === 'key' && depth === path.length - 1) return offset
      node = pair.value as Node | null
      // A nested map is pointed at by its name; a scalar or list by itself.
      if (node !== null && !isMap(node)) offset = node.range?.[0] ?? offset
    } else if (isSeq(node)) {
      node = (node.items[part as number] ?? null) as Node | null
      offset = node?.range?.[0] ?? offset
    } else {
      return offset
    }
  }
  return offset
}

/** The innermost entry in whose name or value the offset lies. */
function pathAt(node: Node | null | undefined, offset: number): Path {
  const covers = (part: unknown): part is Node => {
    const range = (part as Node | null)?.range
    return range !== null && range !== undefined && offset >= range[0] && offset < range[2]
  }
  if (isMap(node)) {
    const pair = node.items.find(({ key, value }) => covers(key) || covers(value))
    if (pair === undefined || !isScalar(pair.key)) return []
    return [pair.key.source ?? String(pair.key.value), ...(covers(pair.value) ? pathAt(pair.value, offset) : [])]
  }
  if (isSeq(node)) {
    const at = node.items.findIndex(covers)
    return at < 0 ? [] : [at, ...pathAt(node.items[at] as Node, offset)]
  }
  return []
}

function pathText(path: Path): string {
  return path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${part}`)).join('')
}
