import { z } from '@hono/zod-openapi'
import type { ApiDeps } from '../api/deps.ts'
import { ApiError } from '../error.ts'
import { type PromoCode as Stored, promoKey } from '../../journal/promo-codes.ts'
import { adminRoute, type Api, body, Instant, instant, json, Micro } from '../route.ts'
import { Credits, operatorName, operatorReason, Periods, periodsNeedKeeping } from './credits.ts'

const Code = z
  .string()
  .trim()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{2,39}$/, '3–40 letters, digits, _ and -')
  .openapi({ description: 'Upper or lower case.', example: 'SPRING' })

const NewPromoCode = z
  .strictObject({
    code: Code,
    credits: Credits,
    keeps: z
      .boolean()
      .default(true)
      .openapi({ description: 'true: stays until used, or for its `periods`; false: lost at the period’s end.' }),
    periods: Periods.nullable().default(null),
    validFrom: z.iso.datetime({ offset: true }).nullable().default(null),
    validUntil: z.iso.datetime({ offset: true }).nullable().default(null).openapi({ description: 'Good before this.' }),
    mostTaken: z
      .int()
      .min(1)
      .max(1_000_000_000)
      .nullable()
      .default(null)
      .openapi({ description: 'In all; null: no limit.' }),
    mostPerPerson: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .openapi({ description: 'A person is an address; +tags are the same one.' }),
    by: operatorName,
    reason: operatorReason,
  })
  .refine(({ keeps, periods }) => keeps || periods === null, periodsNeedKeeping)
  .refine(
    ({ validFrom, validUntil }) =>
      validFrom === null || validUntil === null || Date.parse(validFrom) < Date.parse(validUntil),
    {
      path: ['validUntil'],
      message: 'must be after validFrom',
    },
  )
  .openapi('NewPromoCode')

const PromoCode = z
  .object({
    code: z.string(),
    amount: Micro,
    keeps: z.boolean(),
    periods: z.int().nullable(),
    validFrom: Instant.nullable(),
    validUntil: Instant.nullable(),
    mostTaken: z.int().nullable(),
    mostPerPerson: z.int(),
    taken: z.int(),
    createdAt: Instant,
    endedAt: Instant.nullable(),
  })
  .openapi('PromoCode')

const create = adminRoute({
  method: 'post',
  path: '/admin/v1/promo-codes',
  summary: 'Make a promo code',
  description: 'For registration. The same again answers 200; another one under the same code 409 `promo_conflict`.',
  request: { body: body(NewPromoCode) },
  responses: { 200: json(PromoCode, 'It was there already'), 201: json(PromoCode, 'Made') },
})
const list = adminRoute({
  method: 'get',
  path: '/admin/v1/promo-codes',
  summary: 'All promo codes, with how often each was taken',
  request: {
    query: z.object({
      cursor: z.string().max(40).default(''),
      limit: z.coerce.number().int().min(1).max(200).default(50),
    }),
  },
  responses: { 200: json(z.object({ items: z.array(PromoCode), next: z.string().nullable() }), 'A page, by code') },
})
const read = adminRoute({
  method: 'get',
  path: '/admin/v1/promo-codes/{code}',
  summary: 'One promo code',
  request: { params: z.object({ code: Code }) },
  responses: { 200: json(PromoCode, 'The code') },
})
const end = adminRoute({
  method: 'delete',
  path: '/admin/v1/promo-codes/{code}',
  summary: 'End a promo code',
  description: 'Nobody takes it any more; credits that it gave stay. Repeating it changes nothing.',
  request: { params: z.object({ code: Code }), query: z.object({ by: operatorName, reason: operatorReason }) },
  responses: { 200: json(PromoCode, 'As it is now') },
})

export function promoCodeRoutes(app: Api, { journal }: Pick<ApiDeps, 'journal'>): void {
  app.openapi(create, async (c) => {
    const {
      code,
      credits: amount,
      keeps,
      periods,
      validFrom,
      validUntil,
      mostTaken,
      mostPerPerson,
      by,
    } = c.req.valid('json')
    const wanted = {
      code: promoKey(code),
      amount,
      keeps,
      periods,
      validFromMs: msOf(validFrom),
      validUntilMs: msOf(validUntil),
      mostTaken,
      mostPerPerson,
    }
    const { promo, created } = await journal.promoCodes.create({ ...wanted, by })
    if (created) return c.json(shown(promo), 201)
    const same = (Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => promo[name] === wanted[name])
    if (!same || promo.endedAtMs !== null)
      throw new ApiError('promo_conflict', `there is another promo code ${promo.code}, or it has ended`)
    return c.json(shown(promo), 200)
  })
  app.openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid('query')
    const found = await journal.promoCodes.list({ after: cursor, limit: limit + 1 })
    const page = found.slice(0, limit)
    return c.json({ items: page.map(shown), next: found.length > limit ? page.at(-1)!.code : null }, 200)
  })
  app.openapi(read, async (c) => {
    const code = promoKey(c.req.valid('param').code)
    return c.json(shown(known(await journal.promoCodes.find(code), code)), 200)
  })
  app.openapi(end, async (c) => {
    const code = promoKey(c.req.valid('param').code)
    return c.json(shown(known(await journal.promoCodes.end({ code, by: c.req.valid('query').by }), code)), 200)
  })
}

function known(promo: Stored | null, code: string): Stored {
  if (promo === null) throw new ApiError('promo_unknown', `there is no promo code ${code}`)
  return promo
}

function shown(promo: Stored): z.infer<typeof PromoCode> {
  const { code, amount, keeps, periods, mostTaken, mostPerPerson, taken } = promo
  return {
    code,
    amount,
    keeps,
    periods,
    validFrom: instantOf(promo.validFromMs),
    validUntil: instantOf(promo.validUntilMs),
    mostTaken,
    mostPerPerson,
    taken,
    createdAt: instant(promo.createdAtMs),
    endedAt: instantOf(promo.endedAtMs),
  }
}

const msOf = (text: string | null): number | null => (text === null ? null : Date.parse(text))
const instantOf = (ms: number | null): string | null => (ms === null ? null : instant(ms))
