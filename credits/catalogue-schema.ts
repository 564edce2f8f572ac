import { z } from 'zod'

import { mostPeriods } from './account/lifetime.ts'
import { tierIds } from './catalogue.ts'
import { parseDecimal } from './fraction.ts'
import type { Fraction } from './fraction.ts'
import { creditsToMicro } from './money.ts'
import type { Micro } from './money.ts'
import { roundings } from './session/price.ts'
import { categories } from './usage-row.ts'
import { usageUnits } from './usage-units.ts'

/** What editors are told in place of "text that looks like a number". */
const editorTypes = new WeakMap<z.ZodType, Readonly<Record<string, unknown>>>()

/**
 * The shape of catalogue.yaml. Numbers arrive as their source text, so that no amount passes through a float;
 * `jsonSchemaOfCatalogue` tells editors that they are numbers.
 */
export const catalogueShape = map({
  version: text('a name for this state of the catalogue, such as 2026-11-22').max(
    40,
    'must have at most 40 characters',
  ),
  markup: factor(),
  defaultPlan: text('the id of the plan of new accounts'),
  plans: named(map({ name: text('the name that users see'), allowance: credits(), price: dollars() })),
  packs: named(map({ name: text('the name that users see'), amount: positiveCredits(), price: dollars() })),
  bonuses: map({
    welcome: map({ amount: credits(), keeps: flag(), periods: whole(1, mostPeriods).optional() }),
    referral: map({
      amount: credits(),
      keeps: flag(),
      periods: whole(1, mostPeriods).optional(),
      rewardedSignUps: whole(0),
    }),
  }),
  alerts: list(whole(0, 100)),
  providers: named(
    map({
      kind: oneOf(['openai', 'ollama', 'practice']),
      baseUrl: text('the address of the API, such as https://api.openai.com/v1')
        .regex(/^https?:\/\/[^\s/]+/, 'must begin with http:// or https://')
        .optional(),
      baseUrlEnv: variable().optional(),
      keyEnv: variable().optional(),
      pricesFrom: text("the price list's name of the provider").optional(),
      onHangUp: oneOf(['produced', 'nothing']),
    }),
  ),
  tiers: map(
    Object.fromEntries(
      tierIds.map((id) => [
        id,
        map({ name: text('the name that users see'), models: list(modelId()).min(1, 'must list one model at least') }),
      ]),
    ) as Record<(typeof tierIds)[number], ReturnType<typeof tierShape>>,
  ),
  models: named(map({ contextWindow: whole(1), maxOutputTokens: whole(1), hiddenReasoning: flag() }), modelPattern()),
  prices: named(named(rate(), usageKey()), modelId()),
  activities: named(
    map({
      free: flag().optional(),
      chargedBy: oneOf(['gateway']).optional(),
      category: oneOf(categories).optional(),
      item: text('the line within the category')
        .regex(/^[^|]*$/, "must not contain '|'")
        .optional(),
      price: credits().optional(),
      per: text('what is counted, such as minute').optional(),
    }),
    text('an activity').regex(
      /^[A-Za-z][\w.-]*$/,
      'an activity is named with letters, digits, dots, dashes and underscores, a letter first',
    ),
  ),
  images: map({
    models: list(modelId()),
    qualities: named(text('the name of an activity'), quality()),
  }).optional(),
  sessions: map({
    voice: sessionShape().optional(),
    meeting: sessionShape().optional(),
    rounding: oneOf(roundings),
    silentAfterSeconds: whole(5, 300),
    warnMinutes: whole(1, 60),
  }).optional(),
  policies: map({
    depletedBelow: credits(),
    exposureCap: z.union([z.literal('none'), positiveCredits()], {
      error: "must be 'none' or an amount of credits above 0",
    }),
    fairShare: whole(1),
    largestCorrection: positiveCredits().optional(),
    runtime: oneOf(['active', 'open']).optional(),
    upgrade: oneOf(['full', 'prorated']).optional(),
    alertMail: flag().optional(),
    unknownActivity: text("'free', 'refuse', or the name of an activity with a price"),
  }),
})

export type CatalogueText = z.output<typeof catalogueShape>

/** JSON Schema of catalogue.yaml for editors: names, enums and numbers. References between entries are checked at start only. */
export function jsonSchemaOfCatalogue(): unknown {
  return z.toJSONSchema(catalogueShape, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const editor = editorTypes.get(zodSchema as unknown as z.ZodType)
      if (editor === undefined) return
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key as keyof typeof jsonSchema]
      Object.assign(jsonSchema, editor)
    },
  })
}

function forEditors<Schema extends z.ZodType>(schema: Schema, type: Readonly<Record<string, unknown>>): Schema {
  editorTypes.set(schema, type)
  return schema
}

function tierShape() {
  return map({ name: text(''), models: list(modelId()) })
}

function sessionShape() {
  return map({ activity: text('the name of an activity'), longestMinutes: whole(1, 1_440) })
}

function map<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: ({ code, input }) => {
      if (code === 'unrecognized_keys') return `is not an entry that Tollgate knows; here it knows: ${known}`
      return input === undefined ? `is missing: add an entry with ${known}` : `must be a map with the entries ${known}`
    },
  })
}

function named<Value extends z.ZodType>(value: Value, key: z.ZodType<string, string> = id()) {
  return z.record(key, value, {
    error: ({ input }) =>
      input === undefined ? 'is missing: add a map, or {}' : 'must be a map from names to entries',
  })
}

function list<Item extends z.ZodType>(item: Item) {
  return z.array(item, {
    error: ({ input }) => (input === undefined ? 'is missing: add a list' : 'must be a list, such as [a, b]'),
  })
}

function text(what: string) {
  return z
    .string({ error: ({ input }) => `${input === undefined ? 'is missing: add' : 'must be'} ${what}` })
    .min(1, `must be ${what}`)
}

function id() {
  return text('an id').regex(
    /^[a-z][a-z0-9_-]{0,39}$/,
    'an id has lower-case letters, digits, dashes and underscores, a letter first, at most 40',
  )
}

function modelId() {
  return text('provider/model').regex(
    // Printable ASCII: it becomes part of a header
    /^[a-z][a-z0-9_-]*\/[\x21-\x29\x2b-\x7b\x7d\x7e]+$/,
    'must be provider/model in ASCII, such as openai/gpt-5.4-mini',
  )
}

function modelPattern() {
  return text('provider/model').regex(
    /^(?:\*|[a-z][a-z0-9_-]*\/[^\s|*]*\*?)$/,
    "must be provider/model, with '*' at the end of a pattern only",
  )
}

function quality() {
  return text('a quality').regex(
    /^(?:\*|[a-z][a-z0-9_-]{0,39})$/,
    "must be a quality as requests name it, such as hd, or '*' for all others",
  )
}

function usageKey() {
  return text('a quantity').refine(
    (key) => Object.hasOwn(usageUnits, key),
    'is not a quantity that has prices, such as input_tokens, cache_read_tokens or output_tokens',
  )
}

function variable() {
  return text('the name of an environment variable').regex(
    /^[A-Z][A-Z0-9_]*$/,
    'must be the name of an environment variable, such as OPENAI_API_KEY',
  )
}

function flag() {
  return z.boolean({
    error: ({ input }) => (input === undefined ? 'is missing: add true or false' : 'must be true or false'),
  })
}

function oneOf<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, {
    error: ({ input }) => `${input === undefined ? 'is missing: add' : 'must be'} one of ${words.join(', ')}`,
  })
}

// What editors are told is tied to the last schema of a chain, so every condition comes before `forEditors`.

function whole(least: number, most?: number) {
  const range = most === undefined ? `from ${least}` : `from ${least} to ${most}`
  const schema = text(`a whole number ${range}`)
    .regex(/^\d{1,15}$/, `must be a whole number ${range}, without separators`)
    .transform(Number)
    .refine((value) => value >= least && value <= (most ?? value), `must be a whole number ${range}`)
  return forEditors(schema, { type: 'integer', minimum: least, ...(most === undefined ? {} : { maximum: most }) })
}

function credits() {
  return forEditors(amount(), { type: 'number', minimum: 0 })
}

function positiveCredits() {
  return forEditors(
    amount().refine((value) => value > 0, 'must be more than 0'),
    { type: 'number', exclusiveMinimum: 0 },
  )
}

function amount() {
  return text('an amount of credits such as 1000 or 0.25').transform((source, context): Micro => {
    try {
      return creditsToMicro(source)
    } catch {
      context.addIssue({
        code: 'custom',
        message:
          'must be an amount of credits with at most six decimals, without minus sign or separators, at most 9007199254',
      })
      return z.NEVER
    }
  })
}

/** In cents. */
function dollars() {
  const schema = text('a price in dollars such as 10 or 9.99')
    .regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be a price in dollars with at most two decimals, such as 9.99')
    .transform((source) => {
      const [units = '', cents = ''] = source.split('.')
      return Number(units) * 100 + Number(cents.padEnd(2, '0'))
    })
  return forEditors(schema, { type: 'number', minimum: 0 })
}

/** Keeps the source text beside the exact value. */
function rate() {
  return forEditors(decimal(12, 'a number of credits per million, such as 250'), { type: 'number', minimum: 0 })
}

function factor() {
  const schema = decimal(6, 'a factor such as 1.2').refine(
    ({ numerator }) => numerator > 0n,
    'must be more than 0: 1 means at cost',
  )
  return forEditors(schema, { type: 'number', exclusiveMinimum: 0 })
}

function decimal(decimals: number, what: string) {
  return text(what)
    .regex(new RegExp(`^\\d{1,9}(\\.\\d{1,${decimals}})?$`), `must be ${what}, with at most ${decimals} decimals`)
    .transform((source): Fraction & { readonly text: string } => ({ ...parseDecimal(source), text: source }))
}
