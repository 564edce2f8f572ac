import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { createFormats } from '../../credits/formats.ts'
import type { EndReason, Session } from '../../react/api/shapes.ts'
import { CallMeter, CallMeterView } from '../../react/call-meter.tsx'
import { createTranslate } from '../../react/messages.ts'
import { CreditsProvider } from '../../react/provider.tsx'

const running: Session = {
  id: 'call-1',
  kind: 'voice',
  state: 'live',
  employeeId: 'ada',
  organizationId: '',
  adapter: 'browser',
  platform: null,
  startedAt: '2026-11-14T10:00:00.000Z',
  endedAt: null,
  endReason: null,
  seconds: 200,
  credits: 10_000_000,
  rate: 3_000_000,
  warning: null,
}
const over = (endReason: EndReason): Session => ({ ...running, state: 'ended', endedAt: running.startedAt, endReason })

/** What plain data is shown as, its tags left out. */
const shown = (session: Session, locale = 'en'): string =>
  renderToStaticMarkup(
    createElement(CallMeterView, { session, name: 'Ada', t: createTranslate(), formats: createFormats(locale) }),
  ).replaceAll(/<[^>]+>/g, ' ')

test.each([
  ['requested', 'You ended it.'],
  ['credits', 'It ended: credits ran out.'],
  ['budget', 'It ended: the budget was reached.'],
  ['connection_lost', 'It ended: the connection was lost.'],
  ['longest', 'It ended: it had reached its maximum length.'],
  ['left', 'It ended: everybody had left.'],
] as const)('a call that ended by %s says so, how long it was and what it cost', (reason, words) => {
  const text = shown(over(reason))
  expect(text).toContain(words)
  expect(text).toContain('3 min 20 sec')
  expect(text).toContain('10.00 credits')
  expect(text).not.toContain('so far')
})

test.each([
  [{ kind: 'meeting', platform: null }, 'Ada in a meeting'],
  [{ kind: 'meeting', platform: 'teams' }, 'Ada in a meeting on Microsoft Teams'],
  [{ state: 'starting' }, 'Connecting…'],
  [{ state: 'starting', kind: 'meeting' }, 'Waiting to be let in…'],
  [{ credits: 4_200 }, '&lt;0.01 credits so far'],
] as const)('%o reads: %s', (change, words) => {
  expect(shown({ ...running, ...change })).toContain(words)
})

test('one that is not let in yet has lasted nothing', () => {
  expect(shown({ ...running, state: 'starting' })).toContain('0 sec')
})

test('amounts read as in the language of whoever looks', () => {
  expect(shown({ ...over('requested'), credits: 1_234_560_000 }, 'de')).toContain('1.234,56 credits')
})

test('on a server the meter is still loading', () => {
  const meter = createElement(CallMeter, { sessionId: 'call-1' })
  const html = renderToStaticMarkup(createElement(CreditsProvider, { children: meter }))
  expect(html).toContain('aria-busy="true"')
  expect(html).toContain('Loading the call')
})
