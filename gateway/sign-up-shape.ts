import { z } from '@hono/zod-openapi'
import { Micro } from './route.ts'

/** What a sign-up may bring along, by whichever door. */
export const signUpFields = {
  promoCode: z.string().trim().max(64).optional().openapi({ description: 'Upper or lower case.' }),
  referralCode: z
    .string()
    .trim()
    .max(64)
    .optional()
    .openapi({ description: 'Of the link that brought the user here.' }),
}

const Bonus = z.object({
  code: z.string(),
  applied: z.boolean(),
  credits: Micro.optional().openapi({ description: 'What it gave, in micro-credits.' }),
  reason: z.string().optional().openapi({
    description:
      'Why it gave nothing: `promo_unknown`, `promo_expired`, `promo_used`, `referral_unknown` or `referral_self`.',
  }),
})

/** What became of the codes; null where none was given. */
export const SignUpOutcome = z
  .object({ welcome: Micro, promo: Bonus.nullable(), referral: Bonus.nullable() })
  .openapi('SignUpBonuses')
