import { randomUUID } from 'node:crypto'
import type { NewSignIn } from '../journal/sign-ins.ts'
import { mailKey } from '../middleware/mail/mail-key.ts'
import { loginMail } from '../middleware/mail/texts.ts'
import type { ApiDeps } from './api/deps.ts'
import { ApiError } from './error.ts'
import { type SignedUp, type SignUpRequest, signUpUser } from './sign-up.ts'

export type Entered =
  | {
      readonly status: 'signed_up'
      readonly accountId: string
      readonly signIn: NewSignIn
      readonly signedUp: SignedUp
    }
  /** There is an account under this address: its owner gets a link, and whoever asked is told no more than that. */
  | { readonly status: 'link_sent' }

/** The ways in for people, as routes and as pages. */
export interface Doors {
  /** 403 `signup_closed` where only the operator's back end signs users up. */
  signUp(request: Omit<SignUpRequest, 'userId'>): Promise<Entered>
  /** Mails a link to the owner of the address, if there is one. Never tells whether there is. */
  sendLink(email: string): Promise<void>
  /** 401 `link_invalid`, `link_expired` or `link_used`. */
  useLink(code: string): Promise<NewSignIn>
}

const linkLifetimeMs = 10 * 60_000
/** Usable links of one account: a stranger who asks for more fills no mailbox. */
const mostLinks = 5
const signInLifetimeMs = 30 * 86_400_000

const whatToDo = {
  link_invalid: 'this link is not one of ours; ask for a new one',
  link_expired: 'this link has expired after ten minutes; ask for a new one',
  link_used: 'this link has been used; each signs in once, so ask for a new one',
} as const

export function createDoors(deps: ApiDeps): Doors {
  const { accounts, journal, mailer, log, publicUrl } = deps

  async function sendLinkTo(accountId: string, email: string): Promise<void> {
    const code = await journal.signIns.createLink({ accountId, lifetimeMs: linkLifetimeMs, most: mostLinks })
    if (code === null) return
    const link = `${publicUrl()}/login?code=${code}`
    // To the address as it is known: spelled otherwise it may be another mailbox
    await mailer.send(loginMail({ id: `login_${randomUUID()}`, to: mailKey(email), link }))
  }

  return {
    async signUp({ email, ...request }) {
      if (!deps.signUpOpen)
        throw new ApiError('signup_closed', 'accounts are made by the product that uses this gateway, not here')
      const known = await journal.people.find(mailKey(email))
      if (known !== null && (await accounts.view(known)).ok) {
        await sendLinkTo(known, email)
        return { status: 'link_sent' }
      }
      // Whose address it is, is noted first: two sign-ups at once are one account.
      const accountId = await journal.people.note({
        email: mailKey(email),
        accountId: `usr_${randomUUID().replaceAll('-', '')}`,
      })
      const signedUp = await signUpUser(deps, { userId: accountId, email: mailKey(email), ...request })
      if (!signedUp.created) {
        await sendLinkTo(accountId, email)
        return { status: 'link_sent' }
      }
      const signIn = await journal.signIns.begin({ accountId, lifetimeMs: signInLifetimeMs })
      return { status: 'signed_up', accountId, signIn, signedUp }
    },
    async sendLink(email) {
      const accountId = await journal.people.find(mailKey(email))
      if (accountId === null) return
      // Not waited for: how long the answer takes would tell whether the address is known.
      void sendLinkTo(accountId, email).catch((error: unknown) =>
        log.error({ err: error, accountId }, 'a sign-in link could not be mailed'),
      )
    },
    async useLink(code) {
      const answer = await journal.signIns.useLink({ code, lifetimeMs: signInLifetimeMs })
      if (!answer.ok) throw new ApiError(answer.code, whatToDo[answer.code])
      return answer.signIn
    },
  }
}
