import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { z } from 'zod'
import { isTimeZone } from '../credits/period.ts'
import { createFormats } from '../credits/formats.ts'
import { promoKey } from '../journal/promo-codes.ts'
import { personKey } from '../middleware/mail/mail-key.ts'
import type { ApiDeps } from './api/deps.ts'
import { setSignIn, requireOwnOrigin } from './cookie.ts'
import type { Doors } from './doors.ts'
import { ApiError } from './error.ts'
import { formPage } from './pages.ts'
import type { Api } from './route.ts'
import { type CodeOutcome, inviterOf } from './sign-up.ts'

type Content = HtmlEscapedString | Promise<HtmlEscapedString>

const { exact: credits } = createFormats('en')
const Email = z.email().max(254)
const field = z.string().trim().max(200).catch('')

/** Sign-up and sign-in for people without a host product, as plain forms. They work without a script. */
export function doorPages(app: Api, deps: ApiDeps, doors: Doors): void {
  const { publicUrl, signUpOpen, catalogue } = deps
  const invitation = async (ref: string): Promise<Content> => {
    if (ref === '') return html``
    const inviter = await inviterOf(deps, ref)
    if (inviter === null) return html`<p>That invitation is not known. You can sign up all the same.</p>`
    const { welcome, referral } = catalogue.bonuses
    const [start, more] = [welcome.amount + referral.amount, referral.amount].map((amount) => credits(amount))
    return html`<p>
      ${inviter} has invited you: you start with ${start} credits, ${more} of them for the invitation, and so much goes
      to ${inviter} too.
    </p>`
  }
  app.get('/r/:code', (c) => c.redirect(`/signup?ref=${encodeURIComponent(c.req.param('code'))}`))
  app.get('/signup', async (c) => {
    const [ref, promo] = [field.parse(c.req.query('ref')), field.parse(c.req.query('promo'))]
    return formPage('Sign up', signUpOpen ? signUpForm({ ref, promo, invitation: await invitation(ref) }) : closed())
  })
  app.post('/signup', async (c) => {
    requireOwnOrigin(c, publicUrl())
    const form = await c.req.parseBody()
    const [ref, promo, typed] = [field.parse(form['ref']), field.parse(form['promo']), field.parse(form['email'])]
    const zone = field.parse(form['zone'])
    const again = { ref, promo, email: typed, zone, invitation: await invitation(ref) }
    const email = Email.safeParse(typed)
    if (!email.success)
      return formPage('Sign up', signUpForm({ ...again, trouble: 'That is not an e-mail address.' }), 400)
    // Codes count at registration alone: one that is not good is told of while there is something to mend
    if (promo !== '' && form['anyway'] === undefined) {
      const checked = await deps.journal.promoCodes.check({ code: promoKey(promo), person: personKey(email.data) })
      if (!checked.ok)
        return formPage('Sign up', signUpForm({ ...again, trouble: sentence(checked.message), isBadCode: true }), 400)
    }
    const entered = await doors.signUp({
      email: email.data,
      timeZone: isTimeZone(zone) ? zone : 'UTC',
      ...(promo === '' || form['anyway'] !== undefined ? {} : { promoCode: promo }),
      ...(ref === '' ? {} : { referralCode: ref }),
    })
    if (entered.status === 'link_sent')
      return formPage(
        'Sign in',
        html`<h1>There is an account already</h1>
          <p>We have mailed a link to ${email.data} that signs you in.</p>`,
      )
    setSignIn(c, entered.signIn, publicUrl())
    const { welcome, promo: promoOutcome, referral } = entered.signedUp
    const parts = [
      { amount: welcome, of: 'welcome' },
      ...[promoOutcome, referral].flatMap((outcome, at) =>
        outcome?.credits === undefined ? [] : [{ amount: outcome.credits, of: at === 0 ? 'promo' : 'referral' }],
      ),
    ]
    const total = parts.reduce((sum, { amount }) => sum + amount, 0)
    const refused = [promoOutcome, referral].filter((outcome) => outcome !== null && !outcome.applied)
    return withHeadersOf(
      c.res,
      await formPage(
        'Signed up',
        html`<h1>Welcome</h1>
          <p>
            You start with ${credits(total)} credits
            (${parts.map(({ amount, of }) => `${credits(amount)} ${of}`).join(' + ')}).
          </p>
          ${refused.map((outcome) => html`<p>${whyNot(outcome!)}</p>`)} ${signedIn()}`,
      ),
    )
  })

  app.get('/login', (c) => {
    const code = field.parse(c.req.query('code'))
    // Only asked: programs that look into mails open links, and would use it up.
    return formPage('Sign in', code === '' ? loginForm() : codeForm(code))
  })
  app.post('/login', async (c) => {
    requireOwnOrigin(c, publicUrl())
    const email = Email.safeParse(field.parse((await c.req.parseBody())['email']))
    if (!email.success) return formPage('Sign in', loginForm('That is not an e-mail address.'), 400)
    await doors.sendLink(email.data)
    return formPage(
      'Sign in',
      html`<h1>Look into your mail</h1>
        <p>If there is an account under ${email.data}, a link is on its way. It works once, within ten minutes.</p>`,
    )
  })
  app.post('/login/code', async (c) => {
    requireOwnOrigin(c, publicUrl())
    const code = field.parse((await c.req.parseBody())['code'])
    try {
      setSignIn(c, await doors.useLink(code), publicUrl())
    } catch (error) {
      if (!(error instanceof ApiError) || !error.code.startsWith('link_')) throw error
      return formPage('Sign in', loginForm(error.message), 401)
    }
    return withHeadersOf(
      c.res,
      await formPage(
        'Signed in',
        html`<h1>You are signed in</h1>
          ${signedIn()}`,
      ),
    )
  })
}

/** The page, with the cookie that was set on the way. */
function withHeadersOf(context: Response, answer: Response): Response {
  for (const cookie of context.headers.getSetCookie()) answer.headers.append('set-cookie', cookie)
  return answer
}

function signedIn(): Content {
  return html`<p><a href="/">Go on to your credits</a></p>`
}

interface SignUpForm {
  readonly ref: string
  readonly promo: string
  readonly email?: string
  readonly zone?: string
  readonly trouble?: string
  /** The trouble is the promo code: it may be left out. */
  readonly isBadCode?: boolean
  /** Who has invited, and what that brings. */
  readonly invitation: Content
}

const sentence = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}.`

function signUpForm({
  ref,
  promo,
  email = '',
  zone = 'UTC',
  trouble = '',
  isBadCode = false,
  invitation,
}: SignUpForm): Content {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')]
  return html`<h1>Sign up</h1>
    ${invitation} ${troubleText(trouble)}
    <form method="post" action="/signup">
      <p>
        <label>E-mail <input type="email" name="email" value="${email}" required autocomplete="email" /></label>
      </p>
      <p>
        <label
          >Time zone of your bills
          <select name="zone">
            ${zones.map((name) => (name === zone ? html`<option selected>${name}</option>` : html`<option>${name}</option>`))}
          </select></label
        >
      </p>
      <p>
        <label>Promo code, if you have one <input name="promo" value="${promo}" autocomplete="off" /></label>
      </p>
      <input type="hidden" name="ref" value="${ref}" />
      <p>
        <button>Sign up</button>
        ${isBadCode ? html`<button name="anyway" value="yes">Sign up without the code</button>` : ''}
      </p>
    </form>
    <p><a href="/login">Sign in instead</a></p>`
}

function loginForm(trouble = ''): Content {
  return html`<h1>Sign in</h1>
    ${troubleText(trouble)}
    <form method="post" action="/login">
      <p>
        <label>E-mail <input type="email" name="email" required autocomplete="email" /></label>
      </p>
      <p><button>Mail me a link</button></p>
    </form>`
}

function codeForm(code: string): Content {
  return html`<h1>Sign in</h1>
    <form method="post" action="/login/code">
      <input type="hidden" name="code" value="${code}" />
      <p><button>Sign in</button></p>
    </form>`
}

function closed(): Content {
  return html`<h1>Sign-up is closed</h1>
    <p>Accounts are made by the product that uses this gateway.</p>`
}

function troubleText(trouble: string): Content {
  return trouble === '' ? html`` : html`<p role="alert"><strong>${trouble}</strong></p>`
}

function whyNot({ code, reason }: CodeOutcome): string {
  const says: Readonly<Record<string, string>> = {
    promo_unknown: `The promo code ${code} is not valid.`,
    promo_expired: `The promo code ${code} has expired.`,
    promo_used: `The promo code ${code} has been used already.`,
    referral_unknown: 'Nobody has the referral link that brought you here.',
    referral_self: 'That is your own referral link.',
  }
  return says[reason ?? ''] ?? `The code ${code} gave nothing.`
}
