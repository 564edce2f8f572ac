import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import { adminKey } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import { startBufferingProxy } from './buffering-proxy.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const credits = creditsToMicro
const usagePath = '/settings/subscription/credit-usage'
const bar = (page: Page) => page.locator('.cr-bar-button')
const nameOf = async (page: Page) => (await bar(page).ariaSnapshot()).trim()
/** Waits until the bar says so. */
const named = async (page: Page, name: string) => {
  await page.getByRole('button', { name, exact: true }).waitFor()
  expect(await bar(page).count()).toBe(1)
}
const spend = (accountId: string, amount: string) => stand.api.charge(accountId, { amount: credits(amount) })
const grant = (accountId: string, amount: string) =>
  stand.api.ask('POST', `/admin/v1/accounts/${accountId}/grants`, {
    as: adminKey,
    body: { credits: amount, source: 'pack', reason: 'test' },
  })

describe('the credit bar', () => {
  test('shows what is left, and each debit without a reload', async () => {
    const user = await stand.api.user()
    const { open, complaints } = await stand.profile(user)
    const page = await open()
    await named(page, 'Free plan, 100% left')
    expect(page.url()).toBe(`${stand.url}${usagePath}`)
    await spend(user.accountId, '240')
    await named(page, 'Free plan, 76% left')
    expect(await page.locator('.cr-bar').getAttribute('data-level')).toBe('ok')
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('says in words and colour how low it is, and recovers when credits come', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    const besides = async () => (await page.locator('.cr-bell').boundingBox())?.x
    await named(page, 'Free plan, 100% left')
    const place = await besides()
    for (const [amount, name, level] of [
      ['749', 'Free plan, 26% left', 'ok'],
      ['1', 'Free plan, 25% left, credits low', 'warn'],
      ['99', 'Free plan, 16% left, credits low', 'warn'],
      ['1', 'Free plan, 15% left, credits very low', 'critical'],
      ['146', 'Free plan, <1% left, credits very low', 'critical'],
      ['4', 'Free plan, 0% left, credits depleted', 'depleted'],
    ] as const) {
      await spend(user.accountId, amount)
      await named(page, name)
      expect(await page.locator('.cr-bar').getAttribute('data-level')).toBe(level)
      expect(await violationsOf(page)).toEqual([])
      // Other digits and words move nothing beside it
      expect(await besides()).toBe(place)
    }
    expect(await bar(page).evaluate((button) => getComputedStyle(button).animationName)).toBe('cr-pulse')
    await page.emulateMedia({ reducedMotion: 'reduce' })
    expect(await bar(page).evaluate((button) => getComputedStyle(button).animationName)).toBe('none')
    await grant(user.accountId, '1000')
    await named(page, 'Free plan, 50% left')
  })

  test('opens to where credits went, by keyboard alone, and the lines sum to what was used', async () => {
    const user = await stand.api.user()
    await spend(user.accountId, '12.5')
    const page = await (await stand.profile(user)).open()
    await named(page, 'Free plan, 99% left')
    await bar(page).focus()
    await page.keyboard.press('Enter')
    const menu = page.getByRole('dialog', { name: 'Credits' })
    await menu.getByText('987.5 credits left of 1,000').or(menu.getByText('987 credits left of 1,000')).waitFor()
    const line = menu.getByRole('button', { name: /AI Usage/ })
    await line.waitFor()
    await line.focus()
    await page.keyboard.press('Enter')
    expect(await line.getAttribute('aria-expanded')).toBe('true')
    const amounts = await menu.locator('.cr-breakdown > li > .cr-line .cr-amount').allTextContents()
    expect(amounts.reduce((sum, amount) => sum + Number(amount), 0)).toBe(12.5)
    // On to the tier, the model and each link
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await menu.getByText('openai/gpt-5-nano').waitFor()
    for (const name of ['Upgrade plan', 'Buy credits', 'View full usage']) {
      const link = menu.getByRole('link', { name })
      await until(async () => {
        await page.keyboard.press('Tab')
        return link.evaluate((element) => element === document.activeElement)
      })
    }
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await menu.waitFor({ state: 'hidden' })
    expect(await bar(page).evaluate((button) => button === document.activeElement)).toBe(true)
  })

  test.each([
    [320, 'ltr'],
    [320, 'rtl'],
    [1280, 'rtl'],
  ])('opens in full view at %i pixels, %s, and the page never scrolls sideways', async (width, direction) => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user, { viewport: { width, height: 700 } })).open()
    await named(page, 'Free plan, 100% left')
    await page.evaluate((dir) => void (document.documentElement.dir = dir), direction)
    await bar(page).click()
    const box = await page.getByRole('dialog', { name: 'Credits' }).boundingBox()
    expect(box!.x).toBeGreaterThanOrEqual(0)
    expect(box!.x + box!.width).toBeLessThanOrEqual(width)
    expect(box!.y + box!.height).toBeLessThanOrEqual(700)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  })

  test('is not available, never empty, while there is no balance; and comes by itself', async () => {
    const user = await stand.api.user()
    const { context, open } = await stand.profile(user)
    await context.route('**/credits/v1/balance', (route) => route.fulfill({ status: 500, body: 'broken' }))
    const page = await open(usagePath)
    await page.getByText('Credits unavailable').waitFor()
    expect(await page.locator('.cr-bar').getByRole('button', { name: 'Try again' }).count()).toBe(1)
    await context.unroute('**/credits/v1/balance')
    await named(page, 'Free plan, 100% left')
    expect(await page.getByText('Credits unavailable').count()).toBe(0)
  })
})

describe('the feed', () => {
  test('of nine tabs is one connection; when its tab closes another takes over', async () => {
    const user = await stand.api.user()
    const { open } = await stand.profile(user)
    const before = stand.openFeeds()
    const pages = [await open()]
    await named(pages[0]!, 'Free plan, 100% left')
    for (let tab = 1; tab < 9; tab += 1) pages.push(await open())
    await spend(user.accountId, '200')
    for (const page of pages) await named(page, 'Free plan, 80% left')
    expect(stand.openFeeds() - before).toBe(1)
    await pages[0]!.close()
    await spend(user.accountId, '100')
    for (const page of pages.slice(1)) await named(page, 'Free plan, 70% left')
    await until(async () => stand.openFeeds() - before === 1)
  })

  test('that is lost leaves the last value with a mark, and is right again without a reload', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    await named(page, 'Free plan, 100% left')
    await stand.stop()
    try {
      await named(page, 'Free plan, 100% left, Reconnecting')
      await spend(user.accountId, '300')
    } finally {
      await stand.start()
    }
    await named(page, 'Free plan, 70% left')
    expect(await page.locator('.cr-bar').getAttribute('data-status')).toBe('live')
  })

  test('of a ledger that was put back to an older state is right by itself, once the ledger is', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open()
    const { stores, drain, reconcile, recover } = stand.api
    await spend(user.accountId, '100')
    await named(page, 'Free plan, 90% left')
    const putBack = await stores.remember()
    await spend(user.accountId, '90')
    await drain(user.accountId)
    await reconcile()
    await named(page, 'Free plan, 81% left')
    await stand.stop()
    try {
      await putBack()
      await named(page, 'Free plan, 81% left, Reconnecting')
    } finally {
      await stand.start()
    }
    await recover()
    await spend(user.accountId, '110')
    await named(page, 'Free plan, 70% left')
    expect(await page.locator('.cr-bar').getAttribute('data-status')).toBe('live')
  })

  test('that a proxy keeps back is asked for instead', async () => {
    const proxy = await startBufferingProxy(stand.url)
    onTestFinished(() => proxy.close())
    const user = await stand.api.user()
    const { context } = await stand.profile(user)
    const page = await context.newPage()
    await page.goto(proxy.url)
    await named(page, 'Free plan, 100% left')
    await spend(user.accountId, '300')
    await page.getByRole('button', { name: 'Free plan, 70% left', exact: true }).waitFor({ timeout: 60_000 })
    expect(await page.locator('.cr-bar').getAttribute('data-status')).toBe('live')
  }, 120_000)

  test('is that of whoever is signed in now: nothing of another account is shown before', async () => {
    const [user, other] = [await stand.api.user(), await stand.api.user()]
    await spend(other.accountId, '500')
    const { context, open } = await stand.profile(user)
    await named(await open(), 'Free plan, 100% left')
    const { context: another } = await stand.profile(other)
    await context.addCookies(await another.cookies())
    const page = await context.newPage()
    await page.addInitScript(() => {
      const seen: string[] = []
      Object.assign(globalThis, { seen })
      new MutationObserver(() => {
        const text = document.querySelector('.cr-bar')?.textContent
        if (text !== undefined && text !== seen.at(-1)) seen.push(text)
      }).observe(document, { subtree: true, childList: true, characterData: true })
    })
    await page.goto(stand.url)
    await named(page, 'Free plan, 50% left')
    await spend(user.accountId, '10')
    await spend(other.accountId, '100')
    await named(page, 'Free plan, 40% left')
    // oxlint-disable-next-line typescript/no-explicit-any -- a global of the page
    const texts: string[] = await page.evaluate(() => (globalThis as any).seen)
    expect(texts.filter((text) => /100|99/.test(text))).toEqual([])
  })

  test('ends with the sign-in, and nothing of the account stays on the page', async () => {
    const user = await stand.api.user()
    const { context, open } = await stand.profile(user)
    const page = await open()
    await named(page, 'Free plan, 100% left')
    const status = await page.evaluate(async () => (await fetch('/credits/v1/logout', { method: 'POST' })).status)
    expect(status).toBe(204)
    await page.getByRole('link', { name: 'Sign in' }).waitFor()
    expect(await bar(page).count()).toBe(0)
    expect(await context.cookies()).toEqual([])
  })
})

test('who is not signed in is shown the ways in', async () => {
  const { open, complaints } = await stand.profile()
  const page = await open()
  await page.getByRole('link', { name: 'Sign up' }).waitFor()
  expect(await violationsOf(page)).toEqual([])
  // The browser itself tells of the 401
  expect(complaints.filter((text) => !text.includes('401'))).toEqual([])
})

test('an address that is none says so', async () => {
  const page = await (await stand.profile(await stand.api.user())).open('/settings/nowhere')
  await page.getByRole('heading', { name: 'Page not found' }).waitFor()
  expect(await nameOf(page)).toContain('left')
})
