import { creditsToMicro, zero } from '../../credits/money.ts'
import type { AccountsDeps } from '../../middleware/accounts.ts'

export const credits = creditsToMicro

/** What accounts need to know of a catalogue. */
export const catalogue: AccountsDeps['catalogue'] = {
  plans: [
    { id: 'free', name: 'Free', allowance: zero, priceCents: 0 },
    { id: 'pro', name: 'Pro', allowance: credits(10_000), priceCents: 9900 },
  ],
  defaultPlan: 'free',
  bonuses: {
    welcome: { amount: credits(1000), keeps: true },
    referral: { amount: credits(500), keeps: true, rewardedSignUps: 10 },
  },
  alerts: [25, 15, 0],
  policies: {
    depletedBelow: credits('0.01'),
    exposureCap: null,
    fairShare: 8,
    largestCorrection: credits(100),
    runtime: 'active',
    upgrade: 'full',
    alertMail: false,
    unknownActivity: 'free',
  },
}
