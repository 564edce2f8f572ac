interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, unknown>>
  readonly items?: unknown
  readonly anyOf?: readonly unknown[]
  readonly oneOf?: readonly unknown[]
  readonly allOf?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly minItems?: number
  readonly format?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, unknown>>
  readonly definitions?: Readonly<Record<string, unknown>>
}

const deepest = 8
/** Values in one answer: a schema may ask for more than fits a machine, by `minItems` or by properties that refer to each other. */
const mostValues = 1_000
const longestText = 1_000
const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-01T00:00:00Z',
  date: '2026-01-01',
  time: '00:00:00Z',
  email: 'practice@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/** A value that fits a simple JSON schema, every property filled in; an object without properties when there is none. `seed` is hexadecimal. */
export function practiceValue(
  schema: unknown,
  seed: string,
  root: unknown = schema,
  depth = 0,
  budget = { values: mostValues },
): unknown {
  const of = (inner: unknown, turn = 1): unknown =>
    practiceValue(inner, seed.slice(turn) + seed.slice(0, turn), root, depth + 1, budget)
  budget.values -= 1
  if (budget.values < 0) return null
  if (typeof schema !== 'object' || schema === null) return depth === 0 ? {} : 'practice'
  const { type, properties, items, ...rest } = schema as Schema
  if (rest.const !== undefined) return rest.const
  const chance = Number.parseInt(seed.slice(0, 6), 16)
  if (rest.enum !== undefined && rest.enum.length > 0) return rest.enum[chance % rest.enum.length]
  if (rest.default !== undefined) return rest.default
  if (rest.$ref !== undefined) return depth < deepest ? of(referred(rest.$ref, root)) : null
  const either = rest.anyOf ?? rest.oneOf ?? rest.allOf
  if (either !== undefined && either.length > 0) return of(either[0])
  const kind = Array.isArray(type)
    ? type[0]
    : (type ?? (properties === undefined ? (items === undefined ? 'string' : 'array') : 'object'))
  switch (kind) {
    case 'object':
      return Object.fromEntries(
        depth < deepest
          ? Object.entries(properties ?? {}).map(([name, inner], index) => [name, of(inner, 1 + (index % 32))])
          : [],
      )
    case 'array':
      return depth < deepest
        ? Array.from({ length: Math.max(1, Math.min(rest.minItems ?? 1, budget.values)) }, (_, index) =>
            of(items, 1 + (index % 32)),
          )
        : []
    case 'integer':
    case 'number': {
      const low = Math.ceil(rest.minimum ?? 1)
      return low + (chance % Math.max(1, Math.floor((rest.maximum ?? low + 9) - low + 1)))
    }
    case 'boolean':
      return chance % 2 === 0
    case 'null':
      return null
    default:
      return (formats[rest.format ?? ''] ?? 'practice').padEnd(Math.min(rest.minLength ?? 0, longestText), '-')
  }
}

/** '#/$defs/Name' in the root schema. */
function referred(reference: string, root: unknown): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((part) => part !== '')
    .reduce<unknown>(
      (at, part) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined),
      root,
    )
}
