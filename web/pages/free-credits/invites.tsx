import { type ReactNode, useState } from 'react'
import { toMicro } from '../../../credits/money.ts'
import { asFailure, type Invite, type Page, useAccount, useCredits } from '../../../react/index.ts'
import { Scroll } from '../../scroll.tsx'
import { t } from '../../words.ts'

export interface InvitesProps {
  readonly page: Page<Invite>
  readonly isFirst: boolean
  /** '' for the first page. */
  readonly onPage: (cursor: string) => void
}

const dayMs = 86_400_000

/** Who was invited, and what came of it. */
export function Invites({ page: { items, next }, isFirst, onPage }: InvitesProps): ReactNode {
  const { balance, clockOffsetMs } = useAccount()
  const { client, formats, calendarOf } = useCredits()
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  const [told, setTold] = useState('')
  const resend = async ({ id, email }: Invite): Promise<void> => {
    try {
      await client.ask(`/credits/v1/invites/${encodeURIComponent(id)}/resend`, { method: 'POST', body: {} })
      setTold(t('free.resent', { email }))
    } catch (error) {
      setTold(asFailure(error).message)
    }
  }
  const mayResend = ({ status, sentAt }: Invite): boolean =>
    status === 'sent' && Date.now() + clockOffsetMs - Date.parse(sentAt) >= dayMs
  if (items.length === 0 && isFirst) return <p>{t('free.noInvites')}</p>
  return (
    <>
      <p role="status">{told}</p>
      <Scroll label={t('free.invites')}>
        <table className="wide">
          <thead>
            <tr>
              <th scope="col">{t('free.address')}</th>
              <th scope="col">{t('free.status')}</th>
              <th scope="col">{t('free.date')}</th>
              <th scope="col" className="number">
                {t('free.credits')}
              </th>
              <th scope="col">
                <span className="cr-hidden">{t('free.resend')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {items.map((invite) => (
              <tr key={invite.id}>
                <th scope="row">
                  <bdi>{invite.email}</bdi>
                </th>
                <td>{t(`free.status.${invite.status}`)}</td>
                <td>
                  <bdi>{calendar.date(Date.parse(invite.sentAt))}</bdi>
                </td>
                <td className="number">{formats.remaining(toMicro(invite.credits))}</td>
                <td>
                  {mayResend(invite) && (
                    <button type="button" className="button" onClick={() => void resend(invite)}>
                      {t('free.resend')}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {(!isFirst || next !== null) && (
        <p className="pages">
          <button type="button" className="button" disabled={isFirst} onClick={() => onPage('')}>
            {t('grants.newer')}
          </button>
          <button type="button" className="button" disabled={next === null} onClick={() => onPage(next!)}>
            {t('grants.older')}
          </button>
        </p>
      )}
    </>
  )
}
