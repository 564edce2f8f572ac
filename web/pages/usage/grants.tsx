import { type ReactNode, useState } from 'react'
import { toMicro } from '../../../credits/money.ts'
import { type Grant, type GrantSource, useAccount, useCredits, useGrants } from '../../../react/index.ts'
import { Choice } from '../../choice.tsx'
import { Scroll } from '../../scroll.tsx'
import { t } from '../../words.ts'
import { Section } from '../../section.tsx'

const sources = ['welcome', 'promo', 'referral', 'pack', 'refund', 'adjustment'] as const satisfies GrantSource[]

/** Bonuses, packs and adjustments, newest first, a page at a time. */
export function Grants(): ReactNode {
  const [source, setSource] = useState<string>('')
  /** Where each page so far begins. */
  const [cursors, setCursors] = useState<readonly string[]>([''])
  const cursor = cursors.at(-1)!
  const query = new URLSearchParams([
    ...(source === '' ? [] : [['source', source]]),
    ...(cursor === '' ? [] : [['cursor', cursor]]),
  ])
  const grants = useGrants(query.size === 0 ? '' : `?${query}`)
  const { next } = grants.data ?? { next: null }
  return (
    <Section
      id="grants"
      title={t('grants.title')}
      loaded={grants}
      tools={
        <Choice
          label={t('grants.source')}
          value={source}
          onChange={(next) => {
            setSource(next)
            setCursors([''])
          }}
        >
          <option value="">{t('grants.all')}</option>
          {sources.map((each) => (
            <option key={each} value={each}>
              {t(`grants.kind.${each}`)}
            </option>
          ))}
        </Choice>
      }
    >
      {({ items }) =>
        items.length === 0 && cursor === '' ? (
          <p>{t(source === '' ? 'grants.none' : 'grants.noneOfSource')}</p>
        ) : (
          <>
            <GrantsTable grants={items} />
            {cursors.length + (next === null ? 0 : 1) > 1 && (
              <p className="pages">
                <button
                  type="button"
                  className="button"
                  disabled={cursors.length === 1}
                  onClick={() => setCursors(cursors.slice(0, -1))}
                >
                  {t('grants.newer')}
                </button>{' '}
                <button
                  type="button"
                  className="button"
                  disabled={next === null}
                  onClick={() => setCursors([...cursors, next!])}
                >
                  {t('grants.older')}
                </button>
              </p>
            )}
          </>
        )
      }
    </Section>
  )
}

function GrantsTable({ grants }: { readonly grants: readonly Grant[] }): ReactNode {
  const { formats, calendarOf } = useCredits()
  const { balance } = useAccount()
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  return (
    <Scroll label={t('grants.title')}>
      <table className="wide">
        <thead>
          <tr>
            <th scope="col">{t('grants.date')}</th>
            <th scope="col">{t('grants.source')}</th>
            <th scope="col" className="number">
              {t('grants.amount')}
            </th>
            <th scope="col" className="number">
              {t('grants.left')}
            </th>
            <th scope="col">{t('grants.status')}</th>
            <th scope="col">{t('grants.resets')}</th>
          </tr>
        </thead>
        <tbody>
          {grants.map(({ id, at, source, detail, amount, left, status, resetsAt }) => (
            <tr key={id} data-grant={id}>
              <td>
                <bdi>{calendar.date(Date.parse(at))}</bdi>
              </td>
              <th scope="row">
                {detail === '' ? t(`grants.kind.${source}`) : t(`grants.source.${source}`, { detail })}
              </th>
              <td className="number" title={formats.exact(amount)}>
                {formats.spend(amount)}
              </td>
              <td className="number" title={formats.exact(left)}>
                {formats.remaining(toMicro(left))}
              </td>
              <td>{t(`grants.status.${status}`)}</td>
              <td>{resetsAt === null ? t('grants.stays') : <bdi>{calendar.date(Date.parse(resetsAt))}</bdi>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}
