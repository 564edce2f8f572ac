import type { AlertMail } from '../../credits/account/messages.ts'
import { microToCredits, type Micro } from '../../credits/money.ts'
import type { Mail } from './mailer.ts'

/** The link that signs its reader in. `id` is no secret. */
export function loginMail({ id, to, link }: { readonly id: string; readonly to: string; readonly link: string }): Mail {
  return {
    id,
    to,
    subject: 'Your sign-in link',
    text: `Hello,

this link signs you in to Tollgate. It works once, within ten minutes:

${link}

If you did not ask for it, there is nothing to do: nobody gets in without this mail.
`,
  }
}

/** From one user to a friend. `from` is masked; amounts are µcr. */
export function inviteMail({
  id,
  to,
  from,
  link,
  welcome,
  bonus,
}: {
  readonly id: string
  readonly to: string
  readonly from: string
  readonly link: string
  readonly welcome: Micro
  readonly bonus: Micro
}): Mail {
  return {
    id,
    to,
    subject: 'An invitation to work with AI employees',
    text: `Hello,

${from} invites you to try AI employees.

Sign up by this link, and you start with ${microToCredits(welcome)} credits, and ${microToCredits(bonus)} more for having been invited; your friend gets
${microToCredits(bonus)} too:

${link}

You are written to once, because somebody typed your address. There is nothing to do if you are not interested.
`,
  }
}

/** One threshold was reached. Dates are those of the billing zone. */
export function alertMail(alert: AlertMail, publicUrl: string | null): Mail {
  const { id, email: to, threshold, remaining, planName, periodEndMs, timeZone } = alert
  const date = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone }).format(periodEndMs)
  const where =
    publicUrl === null ? '' : `\nUpgrade, or buy credits: ${publicUrl.replace(/\/+$/, '')}/settings/subscription\n`
  const nothing = threshold === 0
  return {
    id,
    to,
    subject: nothing ? 'Your credits are used up' : `${threshold} % of your credits are left`,
    text: `Hello,

${
  nothing
    ? 'your credits are used up. Your AI employees stand still, and go on by themselves as soon as there are credits again.'
    : `${microToCredits(remaining)} credits are left of this period, ${threshold} % or less. At zero your AI employees stand still until there are credits again.`
}

Plan ${planName}; credits refresh on ${date} (${timeZone}).
${where}`,
  }
}
