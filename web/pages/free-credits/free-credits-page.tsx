import { type ReactNode, useState } from 'react'
import { toMicro } from '../../../credits/money.ts'
import { type Invite, type Page, type Referral, useAccount, useAsked, useCredits } from '../../../react/index.ts'
import { Section } from '../../section.tsx'
import { Title } from '../../title.tsx'
import { t } from '../../words.ts'
import { InviteForm } from './invite-form.tsx'
import { Invites } from './invites.tsx'
import { ReferralLink } from './referral-link.tsx'

/** The link that earns credits, what it has earned, and invitations by mail. */
export function FreeCreditsPage(): ReactNode {
  const { balance } = useAccount()
  // Somebody who signed up through the link brings a grant
  const follows = String(balance?.total ?? '')
  const referral = useAsked<Referral>('/credits/v1/referral', { follows })
  const [cursor, setCursor] = useState('')
  const invites = useAsked<Page<Invite>>(
    `/credits/v1/invites${cursor === '' ? '' : `?cursor=${encodeURIComponent(cursor)}`}`,
    { follows },
  )
  return (
    <>
      <Title>{t('free.title')}</Title>
      <Section id="link" title={t('free.link')} loaded={referral}>
        {(data) => <Earned referral={data} />}
      </Section>
      <section aria-labelledby="invite">
        <h2 id="invite">{t('free.invite')}</h2>
        <InviteForm
          onSent={() => {
            referral.refetch()
            setCursor('')
            invites.refetch()
          }}
        />
      </section>
      <Section id="invites" title={t('free.invites')} loaded={invites}>
        {(page) => <Invites page={page} isFirst={cursor === ''} onPage={setCursor} />}
      </Section>
    </>
  )
}

function Earned({ referral }: { readonly referral: Referral }): ReactNode {
  const { formats } = useCredits()
  const { link, invitesSent, accepted, rewarded, mostRewarded, creditsEarned, bonus } = referral
  const [you, friend] = [formats.remaining(toMicro(bonus.you)), formats.remaining(toMicro(bonus.friend))]
  const count = t('free.meter', { count: rewarded, most: mostRewarded })
  return (
    <>
      <p>{rewarded >= mostRewarded ? t('free.most', { friend }) : t('free.text', { you, friend })}</p>
      <ReferralLink link={link} />
      <dl className="cards">
        <div className="card">
          <dt>{t('free.sent')}</dt>
          <dd>{formats.count(invitesSent)}</dd>
        </div>
        <div className="card">
          <dt>{t('free.accepted')}</dt>
          <dd>{formats.count(accepted)}</dd>
        </div>
        <div className="card">
          <dt>{t('free.earned')}</dt>
          <dd>{formats.remaining(toMicro(creditsEarned))}</dd>
        </div>
      </dl>
      <p>
        <meter aria-label={count} min={0} max={mostRewarded} value={Math.min(rewarded, mostRewarded)} /> {count}
      </p>
    </>
  )
}
