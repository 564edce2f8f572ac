import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const path = '/settings/subscription'
const dialog = (page: Page, name: string) => page.getByRole('dialog', { name })
const orders = async (key: string) => (await stand.api.ask('GET', '/credits/v1/checkouts', { as: key })).body.items

describe('the subscription', () => {
  test('a pack is asked about, bought once, and in bar and grants by itself', async () => {
    const user = await stand.api.user()
    const { open, complaints } = await stand.profile(user)
    const page = await open(path)
    const buy = page.getByRole('button', { name: 'Buy 500 credits' })
    await buy.click()
    const asked = dialog(page, 'Buy 500 credits?')
    await asked.getByText(/^500 credits for \$5\.00, until \w{3} \d+\.$/).waitFor()
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await asked.waitFor({ state: 'detached' })
    expect(await buy.evaluate((button) => button === document.activeElement)).toBe(true)
    expect(await orders(user.key)).toEqual([])

    await buy.click()
    await asked.getByRole('button', { name: 'Confirm' }).click()
    await asked.getByText('This is a test: no money moves.').waitFor()
    await asked.getByRole('button', { name: 'Pay' }).click()
    await page.getByText('500 credits are there.').waitFor()
    expect(await orders(user.key)).toMatchObject([{ status: 'paid', item: 'small', granted: true }])
    await page.getByRole('button', { name: 'Free plan, 100% left' }).click()
    await page.getByText('1,500 credits left of 1,500').waitFor()
    expect(complaints).toEqual([])
  })

  test('an order that was left can be gone on with', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open(path)
    await page.getByRole('button', { name: 'Buy 2,000 credits' }).click()
    await dialog(page, 'Buy 2,000 credits?').getByRole('button', { name: 'Confirm' }).click()
    await dialog(page, 'Buy 2,000 credits?').getByRole('button', { name: 'Pay' }).waitFor()
    await page.reload()
    await page.getByText('An order is open: 2,000 credits, $20.00.').waitFor()
    await page.getByRole('button', { name: 'Go on' }).click()
    await dialog(page, 'Buy 2,000 credits?').getByRole('button', { name: 'Pay' }).click()
    await page.getByText('2,000 credits are there.').waitFor()
    expect(await orders(user.key)).toHaveLength(1)
  })

  test('a plan is upgraded at once, made smaller at the end of the period, and that is called off', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open(path)
    await page.getByText('Free: 0 credits a month, free of charge').waitFor()
    await page.getByRole('button', { name: 'Upgrade to Pro' }).click()
    const asked = dialog(page, 'Upgrade to Pro?')
    await asked.getByText('2,500 credits a month for $25.00 a month. It counts at once.').waitFor()
    await asked.getByRole('button', { name: 'Confirm' }).click()
    await asked.getByRole('button', { name: 'Pay' }).click()
    await page.getByText('Your plan is Pro now.').waitFor()
    await page.getByText('Pro: 2,500 credits a month, $25.00 a month').waitFor()
    await page.getByRole('button', { name: 'Pro plan, 100% left' }).waitFor()

    await page.getByRole('button', { name: 'Change to Free' }).click()
    await dialog(page, 'Change to Free?').getByRole('button', { name: 'Confirm' }).click()
    await page.getByText(/^Changes to Free on/).waitFor()
    await page.getByRole('button', { name: 'Keep Pro' }).click()
    await page.getByText('Your plan stays Pro.').waitFor()
    await page.getByText(/^Changes to Free/).waitFor({ state: 'detached' })
    const { body } = await stand.api.ask('GET', '/credits/v1/subscription', { as: user.key })
    expect(body).toMatchObject({ plan: { id: 'pro' }, pending: null })
  })

  test('what does not work says why, and buys nothing', async () => {
    const user = await stand.api.user()
    const { context, open } = await stand.profile(user)
    const refusal = { error: { code: 'checkout_closed', message: 'nothing is sold here', requestId: 'r' } }
    await context.route('**/credits/v1/checkouts', (route) =>
      route.request().method() === 'POST' ? route.fulfill({ status: 403, json: refusal }) : route.continue(),
    )
    const page = await open(`${path}#packs`)
    await page.getByRole('button', { name: 'Buy 500 credits' }).click()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('alert').filter({ hasText: 'It did not work: nothing is sold here' }).waitFor()
    expect(await orders(user.key)).toEqual([])
  })

  test.each([
    [1280, 'dark'],
    [320, 'light'],
  ] as const)('fits %i pixels, %s', async (width, colorScheme) => {
    const user = await stand.api.user()
    const { open, complaints } = await stand.profile(user, { viewport: { width, height: 800 }, colorScheme })
    const page = await open(path)
    await page.getByRole('button', { name: 'Buy 500 credits' }).waitFor()
    await page.getByRole('button', { name: 'Upgrade to Pro' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})
