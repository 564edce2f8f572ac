import { lazy, type ReactNode, Suspense, useState } from 'react'
import { useSearchParams } from 'wouter'
import { toMicro } from '../../../credits/money.ts'
import {
  type Balance,
  Projection,
  type Usage,
  useAccount,
  useCredits,
  useHistory,
  useOrganizations,
  useUsage,
} from '../../../react/index.ts'
import { Title } from '../../title.tsx'
import { t } from '../../words.ts'
import { ExportButton } from './export-button.tsx'
import { Filters } from './filters.tsx'
import { Grants } from './grants.tsx'
import { History } from './history.tsx'
import { Section } from '../../section.tsx'
import { queryOf, searchOf, type Selection, selectionOf } from './selection.ts'
import { UsageTable } from './usage-table.tsx'

const UsageChart = lazy(async () => ({ default: (await import('../../../react/chart/index.ts')).UsageChart }))

const exactKey = 'tollgate.exact'
const dayMs = 86_400_000

/** What credits went to, by the day and down to the model; where they came from; and what earlier periods took. */
export function UsagePage(): ReactNode {
  const { balance, status, heardAtMs, clockOffsetMs } = useAccount()
  const { calendarOf } = useCredits()
  const [search, setSearch] = useSearchParams()
  const selection = selectionOf(search)
  const history = useHistory()
  const organizations = useOrganizations()
  const timeZone = balance?.timeZone ?? 'UTC'
  const calendar = calendarOf(timeZone)
  const today = calendar.isoDay(Date.now() + clockOffsetMs)
  const query = queryOf(selection, today)
  const usage = useUsage(query)
  const [isExact, setExact] = useState(() => localStorage.getItem(exactKey) === 'true')
  const isStale = status === 'stale' || status === 'offline'
  const isCurrent = selection.span.kind === 'current'
  const change = (part: Partial<Selection>): void => setSearch(searchOf({ ...selection, ...part }))
  const chooseExact = (next: boolean): void => {
    setExact(next)
    localStorage.setItem(exactKey, String(next))
  }
  return (
    <>
      <Title>{t('usage.title')}</Title>
      <p className="cr-soft">
        {usage.data !== null && (
          <>
            <bdi>{calendar.period(Date.parse(usage.data.from), Date.parse(usage.data.to))}</bdi> ·{' '}
          </>
        )}
        {t('usage.zone', { zone: timeZone })}
        {isStale && heardAtMs !== null && <> · {t('usage.asOf', { time: calendar.clock(heardAtMs) })}</>}
      </p>
      <Filters
        selection={selection}
        onChange={change}
        periods={history.data?.items ?? []}
        organizations={organizations.data?.items ?? []}
        today={today}
        timeZone={timeZone}
      />
      {balance !== null && <Cards balance={balance} usage={usage.data} selection={selection} query={query} />}
      {/* Why there is no usage is said once, where its table would be */}
      <Section id="days" title={t('usage.byDay')} loaded={usage} isQuiet>
        {(data) =>
          data.days === null ? (
            <p>{t('usage.noDays')}</p>
          ) : (
            <Suspense fallback={<div className="cr-skeleton table-skeleton" aria-busy="true" />}>
              <UsageChart usage={data} perDayToCome={isCurrent ? perDayOf(balance) : null} />
            </Suspense>
          )
        }
      </Section>
      <Section
        id="usage"
        title={t('usage.table')}
        loaded={usage}
        tools={
          <span className="tools">
            <label>
              <input type="checkbox" checked={isExact} onChange={({ target }) => chooseExact(target.checked)} />{' '}
              {t('usage.exact')}
            </label>
            <ExportButton key={query} query={queryOf({ ...selection, groupBy: 'category' }, today)} />
          </span>
        }
      >
        {(data) => (
          <>
            <UsageTable usage={data} isExact={isExact} rememberAs="tollgate.usage" />
            <details>
              <summary>{t('usage.free')}</summary>
              <p>{t('usage.freeList')}</p>
            </details>
          </>
        )}
      </Section>
      <Grants />
      <History
        history={history}
        timeZone={timeZone}
        endMs={balance === null ? 0 : Date.parse(balance.periodEnd)}
        isExact={isExact}
      />
    </>
  )
}

/** By the server's own projection: what it expects to be spent, over the time that is left. µcr a day. */
function perDayOf(balance: Balance | null): number | null {
  if (balance === null || balance.projection === null) return null
  const { runOutAt, leftAtEnd } = balance.projection
  const nowMs = Date.parse(balance.serverTime)
  const [untilMs, left] =
    runOutAt === null ? [Date.parse(balance.periodEnd), leftAtEnd ?? 0] : [Date.parse(runOutAt), 0]
  return untilMs <= nowMs ? null : Math.round(((balance.remaining - left) * dayMs) / (untilMs - nowMs))
}

interface CardsProps {
  readonly balance: Balance
  readonly usage: Usage | null
  readonly selection: Selection
  readonly query: string
}

function Cards({ balance, usage, selection, query }: CardsProps): ReactNode {
  const { clockOffsetMs } = useAccount()
  const { formats, calendarOf } = useCredits()
  const isWhole = selection.span.kind === 'current' && selection.organization === ''
  const used = isWhole ? balance.used : (usage?.total ?? null)
  return (
    <dl className="cards">
      <div className="card">
        <dt>{t('card.used')}</dt>
        <dd>{used === null ? '…' : formats.spend(used)}</dd>
      </div>
      <div className="card">
        <dt>{t('card.left')}</dt>
        <dd>
          {formats.remaining(toMicro(balance.remaining))}{' '}
          <small className="cr-soft">{t('card.of', { total: formats.remaining(toMicro(balance.total)) })}</small>
        </dd>
      </div>
      <div className="card">
        <dt>{t('card.projection')}</dt>
        <dd className="card-words">
          {balance.projection === null ? (
            t('card.noProjection')
          ) : (
            <Projection balance={balance} nowMs={Date.now() + clockOffsetMs} calendar={calendarOf(balance.timeZone)} />
          )}
        </dd>
      </div>
      <TopEmployee query={query} />
    </dl>
  )
}

/** Whoever used most of what is shown. */
function TopEmployee({ query }: { readonly query: string }): ReactNode {
  const { formats } = useCredits()
  const search = new URLSearchParams(query)
  search.set('groupBy', 'employee')
  const { data } = useUsage(`?${search}`)
  const top = data?.rows.find(({ key, credits }) => key !== '' && credits > 0)
  return (
    <div className="card">
      <dt>{t('card.topEmployee')}</dt>
      <dd className="card-words">
        {data !== null && (top === undefined ? t('card.noEmployee') : `${top.label}: ${formats.spend(top.credits)}`)}
      </dd>
    </div>
  )
}
