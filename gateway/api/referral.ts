import { z } from '@hono/zod-openapi'
import { rewardPrefix } from '../../credits/account/reward.ts'
import { sum, toMicro } from '../../credits/money.ts'
import { type Api, json, Micro, userRoute } from '../route.ts'
import type { ApiDeps } from './deps.ts'
import { accepted } from './reading.ts'

export const Referral = z
  .object({
    code: z.string(),
    link: z.string(),
    invitesSent: z.int().openapi({ description: 'Addresses that were mailed an invitation.' }),
    accepted: z.int().openapi({ description: 'Sign-ups through the link, rewarded or not.' }),
    rewarded: z.int(),
    mostRewarded: z.int().openapi({ description: 'After so many the friend still gets the bonus, the referrer none.' }),
    creditsEarned: Micro,
    bonus: z.object({ you: Micro, friend: Micro }),
  })
  .openapi('Referral')

const route = userRoute({
  method: 'get',
  path: '/credits/v1/referral',
  summary: 'The referral link, and what came of it',
  request: {},
  responses: { 200: json(Referral, 'Link and figures') },
})

export function referralRoutes(app: Api, deps: ApiDeps): void {
  const { journal, catalogue, accounts } = deps
  app.openapi(route, async (c) => {
    const { accountId } = c.get('user')
    const { view } = accepted(await accounts.view(accountId))
    const [code, invites, friends] = await Promise.all([
      journal.referrals.codeOf(accountId),
      journal.invites.count(accountId, 0),
      journal.referrals.accepted(accountId),
    ])
    const rewards = view.grants.filter(({ id }) => id.startsWith(rewardPrefix))
    const { amount, rewardedSignUps } = catalogue.bonuses.referral
    return c.json(
      {
        code,
        link: referralLink(deps, code),
        invitesSent: invites.all,
        accepted: friends,
        rewarded: rewards.length,
        mostRewarded: rewardedSignUps,
        creditsEarned: sum(rewards.map((grant) => toMicro(grant.amount))),
        bonus: { you: amount, friend: amount },
      },
      200,
    )
  })
}

export function referralLink({ publicUrl }: Pick<ApiDeps, 'publicUrl'>, code: string): string {
  return `${publicUrl()}/r/${code}`
}
