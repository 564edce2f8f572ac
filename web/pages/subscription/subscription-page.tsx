import { type ReactNode, useEffect, useState } from 'react'
import { toMicro } from '../../../credits/money.ts'
import {
  type Order,
  type Pack,
  type Page,
  type Plan,
  type Subscription,
  useAccount,
  useAsked,
  useCredits,
} from '../../../react/index.ts'
import { Dialog } from '../../dialog.tsx'
import { Section } from '../../section.tsx'
import { Title } from '../../title.tsx'
import { t } from '../../words.ts'
import { ChangePlan } from './change-plan.tsx'
import { Purchase, type PurchaseProps } from './purchase.tsx'

type Asked =
  | ({ readonly kind: 'buy' } & Pick<PurchaseProps, 'title' | 'text' | 'wanted'> & { readonly done: string })
  | { readonly kind: 'change'; readonly plan: Plan }

/** The plan, the plans that there are, and packs for this period. */
export function SubscriptionPage(): ReactNode {
  const { balance } = useAccount()
  const { formats, calendarOf } = useCredits()
  // A plan that was bought, or changed elsewhere, shows by itself
  const follows = `${balance?.plan.id} ${balance?.total} ${balance?.period}`
  const subscription = useAsked<Subscription>('/credits/v1/subscription', { follows })
  const packs = useAsked<Page<Pack>>('/credits/v1/packs')
  const orders = useAsked<Page<Order>>('/credits/v1/checkouts', { follows })
  const [asked, setAsked] = useState<Asked | null>(null)
  const [told, setTold] = useState('')
  const calendar = calendarOf(balance?.timeZone ?? 'UTC')
  const { data } = subscription
  const renewsAt = data?.renewsAt ?? balance?.periodEnd
  const renews = renewsAt === undefined ? '' : calendar.day(Date.parse(renewsAt))
  const isLoaded = data !== null && packs.data !== null
  // Links lead to the plans or the packs, which are not there when the page opens
  useEffect(() => {
    if (isLoaded && location.hash !== '') document.querySelector(location.hash)?.scrollIntoView()
  }, [isLoaded])

  const price = (cents: number): string => (cents / 100).toFixed(2)
  const monthly = ({ priceCents }: Plan): string =>
    priceCents === 0 ? t('plan.free') : t('plan.price', { price: price(priceCents) })
  const factsOf = (plan: Plan) => ({
    name: plan.name,
    credits: formats.remaining(toMicro(plan.allowance)),
    price: monthly(plan),
    date: renews,
  })
  const over = (words: string): void => {
    setAsked(null)
    setTold(words)
    subscription.refetch()
    orders.refetch()
  }
  const choose = (plan: Subscription['others'][number]): void => {
    const facts = factsOf(plan)
    if (!plan.checkout) return setAsked({ kind: 'change', plan })
    const title = t('plan.confirmUpgrade', facts)
    const done = t('plan.changed', facts)
    setAsked({ kind: 'buy', title, text: t('plan.upgradeText', facts), wanted: { plan: plan.id }, done })
  }
  const buy = ({ id, name, amount, priceCents }: Pack): void => {
    const facts = {
      name,
      credits: formats.remaining(toMicro(amount)),
      price: t('plan.once', { price: price(priceCents) }),
      date: renews,
    }
    const done = t('packs.bought', facts)
    setAsked({
      kind: 'buy',
      title: t('packs.confirm', facts),
      text: t('packs.what', facts),
      wanted: { pack: id },
      done,
    })
  }
  const goOn = (order: Order): void => {
    const facts = { name: order.name, credits: formats.remaining(toMicro(order.credits)), date: renews }
    const text = t('packs.what', { ...facts, price: t('plan.once', { price: price(order.priceCents) }) })
    const done = t(order.kind === 'pack' ? 'packs.bought' : 'plan.changed', facts)
    if (!order.test && order.url !== null) location.assign(order.url)
    else setAsked({ kind: 'buy', title: t('packs.confirm', facts), text, wanted: order, done })
  }
  const open = orders.data?.items.find(({ status }) => status === 'open')
  return (
    <>
      <Title>{t('plan.title')}</Title>
      <p role="status">{told}</p>
      {open !== undefined && (
        <p className="notice">
          {t('orders.open', { name: open.name, price: t('plan.once', { price: price(open.priceCents) }) })}{' '}
          <button type="button" className="button" onClick={() => goOn(open)}>
            {t('orders.goOn')}
          </button>
        </p>
      )}
      <Section id="plan" title={t('plan.yours')} loaded={subscription}>
        {({ plan, pending }) => (
          <>
            <p>{t('plan.now', factsOf(plan))}</p>
            <p>{t('plan.renews', { date: renews })}</p>
            {pending !== null && (
              <p className="notice">
                {t('plan.pending', { name: pending.name, date: calendar.day(Date.parse(pending.from)) })}{' '}
                <ChangePlan plan={plan.id} onChanged={() => over(t('plan.kept', { name: plan.name }))}>
                  {t('plan.keep', { name: plan.name })}
                </ChangePlan>
              </p>
            )}
          </>
        )}
      </Section>
      <Section id="plans" title={t('plan.others')} loaded={subscription} isQuiet>
        {({ others }) =>
          others.length === 0 ? (
            <p>{t('plan.none')}</p>
          ) : (
            <ul className="offers">
              {others.map((plan) => (
                <li key={plan.id}>
                  <h3>{plan.name}</h3>
                  <p>{t('plan.credits', factsOf(plan))}</p>
                  <p>{monthly(plan)}</p>
                  <button type="button" className="button" onClick={() => choose(plan)}>
                    {t(plan.change === 'upgrade' ? 'plan.upgrade' : 'plan.downgrade', { name: plan.name })}
                  </button>
                </li>
              ))}
            </ul>
          )
        }
      </Section>
      <Section id="packs" title={t('packs.title')} loaded={packs}>
        {({ items }) => (
          <>
            <p>{items.length === 0 ? t('packs.none') : t('packs.text', { date: renews })}</p>
            <ul className="offers">
              {items.map((pack) => (
                <li key={pack.id}>
                  <h3>{pack.name}</h3>
                  <p>{t('plan.once', { price: price(pack.priceCents) })}</p>
                  {/* Until when a pack counts is said before it is bought */}
                  <button type="button" className="button" disabled={renewsAt === undefined} onClick={() => buy(pack)}>
                    {t('packs.buy', { name: pack.name })}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
      </Section>
      {asked?.kind === 'buy' && (
        <Purchase {...asked} onBought={() => over(asked.done)} onClose={() => setAsked(null)} />
      )}
      {asked?.kind === 'change' && (
        <Dialog title={t('plan.confirmDowngrade', factsOf(asked.plan))} onClose={() => setAsked(null)}>
          <p>{t('plan.downgradeText', factsOf(asked.plan))}</p>
          <p className="tools">
            <button type="button" className="button" onClick={() => setAsked(null)}>
              {t('checkout.cancel')}
            </button>
            <ChangePlan plan={asked.plan.id} onChanged={() => over(t('plan.willChange', factsOf(asked.plan)))}>
              {t('checkout.confirm')}
            </ChangePlan>
          </p>
        </Dialog>
      )}
    </>
  )
}
