import { rewardPrefix } from '../credits/account/reward.ts'
import type { AccountView, SignUpBonus } from '../credits/account/messages.ts'
import { lifetimeOf } from '../credits/account/lifetime.ts'
import type { Micro } from '../credits/money.ts'
import { toMicro, zero } from '../credits/money.ts'
import { promoKey } from '../journal/promo-codes.ts'
import { mailKey, maskedMail, personKey } from '../middleware/mail/mail-key.ts'
import type { ApiDeps } from './api/deps.ts'
import { accepted, refused } from './api/reading.ts'

export interface SignUpRequest {
  readonly userId: string
  readonly email: string
  readonly timeZone: string
  readonly promoCode?: string | undefined
  readonly referralCode?: string | undefined
}

/** What became of a code: what it gave, or why it gave nothing. */
export interface CodeOutcome {
  readonly code: string
  readonly applied: boolean
  readonly credits?: Micro
  readonly reason?: string
}

/** `created` is false when the account was there already. */
export interface SignedUp {
  readonly created: boolean
  readonly welcome: Micro
  readonly promo: CodeOutcome | null
  readonly referral: CodeOutcome | null
}

type Deps = Pick<ApiDeps, 'accounts' | 'journal' | 'catalogue'>

/** The friend's own bonus; the referrer's is named after the friend. */
const friendGrant = 'referral'
const promoGrant = (code: string): string => `promo:${code}`

/**
 * Signs a user up, by whichever door, with what their codes give. A code that is not good never keeps anybody out. Safe to repeat: a code is taken before the account is made, in
 * whose making its credits are given, and a code that no account came of is given back. Throws ApiError with the account's refusal.
 */
export async function signUpUser(deps: Deps, request: SignUpRequest): Promise<SignedUp> {
  const { accounts, journal, catalogue } = deps
  const { userId: accountId, email, timeZone, promoCode, referralCode } = request
  const [promo, referral] = await Promise.all([
    promoCode === undefined ? null : claim(deps, { code: promoKey(promoCode), accountId, email }),
    referralCode === undefined ? null : findReferrer(deps, { code: referralCode, accountId, email }),
  ])
  const { amount, rewardedSignUps: most } = catalogue.bonuses.referral
  const lifetime = lifetimeOf(catalogue.bonuses.referral)
  const bonuses: SignUpBonus[] = []
  if (promo?.bonus !== undefined) bonuses.push(promo.bonus)
  if (referral?.referrer !== undefined)
    bonuses.push({
      id: friendGrant,
      source: 'referral',
      amount,
      ...lifetime,
      detail: maskedMail(referral.referrer.email),
    })
  // Noted first: a gateway that dies after the account is made has told who brought it
  const friend =
    referral?.referrer === undefined
      ? null
      : { accountId, referrer: referral.referrer.accountId, email: mailKey(email) }
  const isNoted = friend !== null && (await journal.referrals.note(friend))
  const answer = await accounts.signUp({
    accountId,
    email,
    timeZone,
    bonuses,
    ...(referral?.referrer === undefined
      ? {}
      : {
          reward: {
            referrer: referral.referrer.accountId,
            grant: `${rewardPrefix}${accountId}`,
            amount,
            ...lifetime,
            most,
            detail: maskedMail(email),
          },
        }),
  })
  if (!answer.ok) {
    // One that was taken before may be what the account was made with
    if (promo?.isNew === true) await journal.promoCodes.release({ code: promo.code, accountId })
    if (isNoted) await journal.referrals.forget(friend)
    throw refused(answer)
  }
  await journal.people.note({ email: mailKey(email), accountId })
  const { view } = accepted(await accounts.view(accountId))
  // The account tells what its sign-up gave, this time or before.
  const promoOutcome = promo && outcomeOf(promo, given(view, promoGrant(promo.code)), 'promo_too_late')
  const referralOutcome = referral && outcomeOf(referral, given(view, friendGrant), 'referral_too_late')
  if (promo?.isNew === true && promoOutcome?.applied === false)
    await journal.promoCodes.release({ code: promo.code, accountId })
  if (isNoted && referralOutcome?.applied === false) await journal.referrals.forget(friend)
  return {
    created: answer.created,
    welcome: given(view, 'welcome') ?? zero,
    promo: promoOutcome,
    referral: referralOutcome,
  }
}

interface Claimed {
  readonly code: string
  readonly bonus?: SignUpBonus
  /** Taken by this very sign-up. */
  readonly isNew?: boolean
  readonly reason?: string
}

async function claim(
  { journal }: Deps,
  { code, accountId, email }: { readonly code: string; readonly accountId: string; readonly email: string },
): Promise<Claimed> {
  const answer = await journal.promoCodes.claim({ code, accountId, person: personKey(email) })
  if (!answer.ok) return { code, reason: answer.code }
  const { promo, isNew } = answer
  return {
    code,
    bonus: { id: promoGrant(code), source: 'promo', amount: toMicro(promo.amount), ...lifetimeOf(promo), detail: code },
    isNew,
  }
}

interface Referred {
  readonly code: string
  readonly referrer?: Pick<AccountView, 'accountId' | 'email'>
  readonly reason?: string
}

async function findReferrer(
  { journal, accounts }: Pick<Deps, 'journal' | 'accounts'>,
  { code, accountId, email }: { readonly code: string; readonly accountId: string; readonly email: string },
): Promise<Referred> {
  const referrer = await journal.referrals.find(code)
  if (referrer === null) return { code, reason: 'referral_unknown' }
  const answer = await accounts.view(referrer)
  if (!answer.ok) return { code, reason: 'referral_unknown' }
  const self = referrer === accountId || personKey(answer.view.email) === personKey(email)
  return self ? { code, reason: 'referral_self' } : { code, referrer: answer.view }
}

/** Whose invitation a code is, masked; null for one that nobody has. */
export async function inviterOf(deps: Pick<Deps, 'journal' | 'accounts'>, code: string): Promise<string | null> {
  const accountId = await deps.journal.referrals.find(code)
  const answer = accountId === null ? null : await deps.accounts.view(accountId)
  return answer?.ok === true ? maskedMail(answer.view.email) : null
}

function given({ grants }: AccountView, id: string): Micro | undefined {
  const found = grants.find((grant) => grant.id === id)
  return found && toMicro(found.amount)
}

function outcomeOf(
  { code, reason }: { readonly code: string; readonly reason?: string },
  credits: Micro | undefined,
  tooLate: string,
): CodeOutcome {
  if (credits !== undefined) return { code, applied: true, credits }
  // It was good, but the account had been made without it: codes count at registration alone.
  return { code, applied: false, reason: reason ?? tooLate }
}
