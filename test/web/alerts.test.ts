import type { Page } from 'playwright-core'
import { Temporal } from 'temporal-polyfill'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { beginPast } from '../../bin/demo/begin-past.ts'
import { signUp } from '../../credits/account/sign-up.ts'
import { creditsToMicro } from '../../credits/money.ts'
import { adminKey, type TestUser } from '../gateway-api/api-stand.ts'
import { plans, signUpCommand, stateOf } from '../account/given.ts'
import { newAccountId } from '../workflows/stand.ts'
import { until } from '../stack/until.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

/** Spends, and lets the account hear of it: it is what alerts. */
async function spend({ accountId }: TestUser, amount: string): Promise<void> {
  await stand.api.charge(accountId, { amount: creditsToMicro(amount) })
  await stand.api.reconcile()
}
const grant = ({ accountId }: TestUser, amount: string) =>
  stand.api.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
    as: adminKey,
    body: { credits: amount, source: 'pack', reason: 'test' },
  })
const seen = async ({ key }: TestUser) =>
  (await stand.api.ask('GET', '/credits/v1/alerts', { as: key })).body.items.filter(
    ({ acknowledgedAt }: { acknowledgedAt: string | null }) => acknowledgedAt !== null,
  ).length as number
const toast = (page: Page) => page.locator('.cr-toast')
const bell = (page: Page, name: string) => page.getByRole('button', { name, exact: true })
const isThere = (page: Page) => page.getByRole('button', { name: / left/ }).waitFor()
/** A tab that is open, and not the one in which somebody works: Chromium gives focus to all that a test drives. */
const inBackground = (page: Page) =>
  page.evaluate(() => {
    document.hasFocus = () => false
    window.dispatchEvent(new Event('blur'))
  })

/** A user of 2,000 credits a period and 1,000 that stay, who signed up a month ago and whose period ends in so many ms. */
async function beforeNewPeriod(inMs: number): Promise<TestUser> {
  const accountId = newAccountId()
  const today = Temporal.Now.plainDateISO('UTC')
  const monthAgoMs = today.subtract({ months: 1 }).toZonedDateTime('UTC').epochMilliseconds
  const command = signUpCommand({ accountId, email: `${accountId}@example.com`, plan: plans.starter })
  const state = stateOf(signUp(null, command, monthAgoMs))
  const periods = state.periods.map((period) => ({ ...period, endMs: Date.now() + inMs }))
  const { deps, temporal, ask } = stand.api
  const { client, taskQueue } = temporal
  await beginPast({ client, taskQueue, journal: deps.journal }, { state: { ...state, periods }, receipts: [] })
  const { body } = await ask('POST', `/admin/v1/accounts/${accountId}/keys`, { as: adminKey, body: {} })
  return { accountId, key: body.secret, keyId: body.id }
}

describe('an alert', () => {
  test('is told once: in the tab that is looked at, after no reload and on no other device', async () => {
    const user = await stand.api.user()
    const { open, complaints } = await stand.profile(user)
    const [page, other] = [await open(), await open()]
    await Promise.all([isThere(page), isThere(other)])
    await inBackground(other)
    await spend(user, '760')
    await page.getByRole('status').filter({ hasText: 'Credits are low: 25% or less' }).waitFor()
    expect(await violationsOf(page)).toEqual([])
    await until(async () => (await seen(user)) === 1)
    await other.locator('[data-level=warn]').first().waitFor()
    expect(await toast(other).count()).toBe(0)
    await page.reload()
    const device = await (await stand.profile(user)).open()
    for (const tab of [page, device]) {
      await bell(tab, 'Alerts').click()
      await tab.getByRole('dialog', { name: 'Alerts' }).getByText('Credits are low').waitFor()
      expect(await toast(tab).count()).toBe(0)
      expect(await violationsOf(tab)).toEqual([])
    }
    expect(complaints).toEqual([])
  })

  test('of three at once is the worst alone, which credits take away, and which does not come again', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    await isThere(page)
    await spend(user, '1001')
    await page.getByRole('alert').filter({ hasText: 'All credits of this period are used' }).waitFor()
    expect(await toast(page).count()).toBe(1)
    await until(async () => (await seen(user)) === 3)
    await grant(user, '1000')
    await toast(page).waitFor({ state: 'detached' })
    await spend(user, '999')
    await page.locator('.cr-bar[data-level=critical]').waitFor()
    await bell(page, 'Alerts').click()
    expect(await page.getByRole('dialog', { name: 'Alerts' }).getByRole('listitem').count()).toBe(3)
    expect(await toast(page).count()).toBe(0)
  })

  test('that nobody looked at waits in the bell, by number, until it is opened', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    await isThere(page)
    await inBackground(page)
    await spend(user, '850')
    await bell(page, 'Alerts, 2 new').waitFor()
    expect(await toast(page).count()).toBe(0)
    await bell(page, 'Alerts, 2 new').focus()
    await page.keyboard.press('Enter')
    await bell(page, 'Alerts').waitFor()
    await until(async () => (await seen(user)) === 2)
    await page.keyboard.press('Escape')
    expect(await bell(page, 'Alerts').evaluate((button) => button === document.activeElement)).toBe(true)
  })

  test('is told anew in a new period, which takes away those of the one before', async () => {
    const user = await beforeNewPeriod(25_000)
    const page = await (await stand.profile(user)).open()
    await isThere(page)
    await spend(user, '2600')
    await page.getByRole('alert').filter({ hasText: 'Credits are very low' }).waitFor()
    await until(async () => (await seen(user)) === 2)
    await page.getByText(/^Credits refreshed: [\d,]+ available$/).waitFor({ state: 'attached', timeout: 60_000 })
    await page.locator('.cr-bar[data-level=ok]').waitFor()
    expect(await toast(page).count()).toBe(0)
    await bell(page, 'Alerts').click()
    await page.getByRole('dialog', { name: 'Alerts' }).getByText('No alerts in this period').waitFor()
    await page.keyboard.press('Escape')
    await spend(user, '1850')
    await page.getByRole('status').filter({ hasText: 'Credits are low: 25% or less' }).waitFor()
    await until(async () => (await seen(user)) === 3)
  }, 120_000)

  test('of 25 % goes by itself, but not from under a pointer; one of 15 % stays until it is closed', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    await isThere(page)
    await page.clock.install()
    await spend(user, '750')
    await toast(page).hover()
    await page.clock.runFor(20_000)
    expect(await toast(page).count()).toBe(1)
    await page.mouse.move(0, 0)
    await page.clock.runFor(10_001)
    await toast(page).waitFor({ state: 'detached' })
    await spend(user, '100')
    await page.getByRole('alert').filter({ hasText: 'Credits are very low' }).waitFor()
    await page.clock.runFor(60_000)
    await page.getByRole('button', { name: 'Close' }).click()
    await toast(page).waitFor({ state: 'detached' })
    await until(async () => (await seen(user)) === 2)
  })
})
