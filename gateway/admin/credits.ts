import { z } from '@hono/zod-openapi'
import { mostPeriods } from '../../credits/account/lifetime.ts'
import { creditsToMicro } from '../../credits/money.ts'
import { Balance, balanceOf } from '../api/balance-of.ts'
import type { ApiDeps } from '../api/deps.ts'
import { readAccount } from '../api/reading.ts'
import { Micro, text } from '../route.ts'

const expected = 'credits with at most six decimals, such as "12.5"'

/** Credits as people write them: nobody counts micro-credits by hand. */
export const Credits = z
  .union([z.string().regex(/^\d{1,9}(\.\d{1,6})?$/, expected), z.number().min(0).max(999_999_999)], expected)
  .transform((credits, context) => {
    try {
      return creditsToMicro(credits)
    } catch {
      context.addIssue({ code: 'custom', message: expected })
      return z.NEVER
    }
  })
  .refine((amount) => amount > 0, 'must be more than zero')
  .openapi({
    type: 'string',
    description: 'Credits (not micro-credits), decimal text or number, at most six decimals.',
    example: '500',
  })

/** For credits that stay until they are used. */
export const Periods = z.int().min(1).max(mostPeriods).openapi({
  description:
    'Billing periods that they last, the one in which they are given included: what is left at the end of the last one is lost. Left out: they stay until they are used.',
})

export const periodsNeedKeeping = {
  path: ['periods'],
  message: 'only for credits that do not reset with their period',
}

/** Why, where the user does not see it: the audit log does. */
export const operatorReason = text(200).optional().openapi({ description: 'Why; for the audit log.' })

/** Who of the operator's people asked for it. */
export const operatorName = text(100).default('operator').openapi({ description: 'Who did it; for the audit log.' })

export const Granted = z
  .object({
    id: z.string(),
    amount: Micro,
    balance: Balance.nullable().openapi({ description: 'With the grant; null if the ledger cannot be read now.' }),
  })
  .openapi('Granted')

/** With what was just granted. null if the ledger cannot be read now: the grant stands all the same. */
export async function balanceAfter(deps: ApiDeps, accountId: string): Promise<Balance | null> {
  try {
    return balanceOf(await readAccount(deps, accountId), deps.catalogue.policies)
  } catch (error) {
    deps.log.warn({ err: error, accountId }, 'granted, but the ledger cannot be read')
    return null
  }
}
