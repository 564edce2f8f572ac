import { randomUUID } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import { rewardPrefix } from '../../credits/account/reward.ts'
import type { Invite as Stored } from '../../journal/invites.ts'
import { mailKey, maskedMail } from '../../middleware/mail/mail-key.ts'
import { MailRefused, MailUnavailable } from '../../middleware/mail/mailer.ts'
import { inviteMail } from '../../middleware/mail/texts.ts'
import { ApiError } from '../error.ts'
import { type Api, body, Instant, instant, json, Micro, userRoute } from '../route.ts'
import { mayWrite } from '../may-write.ts'
import type { ApiDeps } from './deps.ts'
import { accepted } from './reading.ts'
import { referralLink } from './referral.ts'

const outcomes = ['sent', 'already_invited', 'already_member', 'invalid', 'your_own', 'try_later'] as const
type Outcome = (typeof outcomes)[number]

const againAfterMs = 86_400_000
/** A day's worth: more is no longer asking friends. */
const mostADay = 50

export const Invite = z
  .object({
    id: z.string(),
    email: z.string().openapi({ description: 'Masked.' }),
    status: z.enum(['sent', 'accepted']),
    sentAt: Instant,
    credits: Micro.openapi({ description: 'What it has earned.' }),
  })
  .openapi('Invite')

const send = userRoute({
  method: 'post',
  path: '/credits/v1/invites',
  summary: 'Invite friends by e-mail',
  description:
    'Up to ten addresses, one result each. An address that was invited more than a day ago is written to again. 429 `invite_limit` beyond 50 a day.',
  request: {
    body: body(z.strictObject({ emails: z.array(z.string().max(254)).min(1).max(10) }).openapi('NewInvites')),
  },
  responses: {
    200: json(
      z.object({ results: z.array(z.object({ email: z.string(), result: z.enum(outcomes) })) }),
      'What became of each',
    ),
  },
})
const list = userRoute({
  method: 'get',
  path: '/credits/v1/invites',
  summary: 'Invitations, newest first',
  request: {
    query: z.object({
      cursor: z
        .string()
        .regex(/^\d{1,15}\.inv_[\w-]{36}$/, 'not a cursor of this list')
        .optional(),
      limit: z.coerce.number().int().min(1).max(100).default(25),
    }),
  },
  responses: { 200: json(z.object({ items: z.array(Invite), next: z.string().nullable() }), 'A page') },
})
const resend = userRoute({
  method: 'post',
  path: '/credits/v1/invites/{id}/resend',
  summary: 'Send an invitation again',
  description:
    'A day after it was sent last: else 409 `invite_too_soon`. 503 `mail_unavailable` when the mail server does not take it.',
  request: { params: z.object({ id: z.string().max(64) }), body: body(z.strictObject({})) },
  responses: { 200: json(Invite, 'Sent') },
})

const email = z.email()

export function inviteRoutes(app: Api, deps: ApiDeps): void {
  const { journal, accounts, mailer, catalogue, clock } = deps

  /** 429 `invite_limit` beyond what is sent in a day. */
  async function mail(accountId: string, from: string, email: string): Promise<'sent' | 'too_soon'> {
    const code = await journal.referrals.codeOf(accountId)
    const id = `inv_${randomUUID()}`
    const claim = await journal.invites.claim({
      id,
      accountId,
      email,
      nowMs: clock.now(),
      withinMs: againAfterMs,
      most: mostADay,
    })
    if (claim === 'too_many') throw limitReached()
    if (claim === 'too_soon') return claim
    try {
      await mailer.send(
        inviteMail({
          id,
          to: email,
          from: maskedMail(from),
          link: referralLink(deps, code),
          welcome: catalogue.bonuses.welcome.amount,
          bonus: catalogue.bonuses.referral.amount,
        }),
      )
      return 'sent'
    } catch (error) {
      await journal.invites.unclaim({ accountId, email })
      throw error
    }
  }

  async function invite(accountId: string, from: string, to: string): Promise<Outcome> {
    if (!email.safeParse(to.trim()).success) return 'invalid'
    const key = mailKey(to)
    if (key === mailKey(from)) return 'your_own'
    if ((await journal.people.find(key)) !== null) return 'already_member'
    try {
      return (await mail(accountId, from, key)) === 'sent' ? 'sent' : 'already_invited'
    } catch (error) {
      if (error instanceof MailRefused) return 'invalid'
      if (error instanceof MailUnavailable) return 'try_later'
      throw error
    }
  }

  const limitReached = () => new ApiError('invite_limit', `at most ${mostADay} invitations are sent within a day`)

  /** Before the first of several: else some would be sent, and the answer be a refusal. */
  async function withinLimit(accountId: string, more: number): Promise<void> {
    const { recent } = await journal.invites.count(accountId, clock.now() - againAfterMs)
    if (recent + more > mostADay) throw limitReached()
  }

  app.openapi(send, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { view } = accepted(await accounts.view(accountId))
    const addresses = [...new Set(c.req.valid('json').emails.map((address) => address.trim()))]
    await withinLimit(accountId, addresses.length)
    const results = []
    // One after the other: the same person twice, in other capitals, is one invitation.
    for (const address of addresses)
      results.push({ email: address, result: await invite(accountId, view.email, address) })
    return c.json({ results }, 200)
  })
  app.openapi(list, async (c) => {
    const { accountId } = c.get('user')
    const { cursor, limit } = c.req.valid('query')
    const found = await journal.invites.list(accountId, { before: positionOf(cursor), limit: limit + 1 })
    const { view } = accepted(await accounts.view(accountId))
    const earned = new Map(view.grants.map(({ id, amount }) => [id, amount]))
    const page = found.slice(0, limit)
    const last = page.at(-1)
    return c.json(
      {
        items: page.map((each) => shown(each, earned)),
        next: found.length > limit && last !== undefined ? `${last.createdAtMs}.${last.id}` : null,
      },
      200,
    )
  })
  app.openapi(resend, async (c) => {
    const { accountId } = mayWrite(c.get('user'))
    const { id } = c.req.valid('param')
    const known = await journal.invites.find(accountId, { id })
    if (known === null) throw new ApiError('invite_unknown', `this account has no invitation ${id}`)
    const tooSoon = () =>
      new ApiError('invite_too_soon', 'it was accepted, or sent less than a day ago', {
        fields: { sentAt: instant(known.sentAtMs) },
      })
    if (known.acceptedBy !== null) throw tooSoon()
    const { view } = accepted(await accounts.view(accountId))
    if ((await mail(accountId, view.email, known.email)) === 'too_soon') throw tooSoon()
    return c.json(shown((await journal.invites.find(accountId, { id })) ?? known, new Map()), 200)
  })
}

function shown(
  { id, email: address, sentAtMs, acceptedBy }: Stored,
  earned: ReadonlyMap<string, number>,
): z.infer<typeof Invite> {
  return {
    id,
    email: maskedMail(address),
    status: acceptedBy === null ? 'sent' : 'accepted',
    sentAt: instant(sentAtMs),
    credits: acceptedBy === null ? 0 : (earned.get(`${rewardPrefix}${acceptedBy}`) ?? 0),
  }
}

function positionOf(cursor: string | undefined): { readonly createdAtMs: number; readonly id: string } | undefined {
  if (cursor === undefined) return undefined
  const dot = cursor.indexOf('.')
  return { createdAtMs: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) }
}
