import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Customer, openStand, type Stand } from '../company/stand.ts'
import { until } from '../stack/until.ts'
import { launchBrowser, openProfile, type Profile } from './browser.ts'
import { violationsOf } from './stand.ts'

let stand: Stand
let browser: Browser

beforeAll(async () => {
  browser = await launchBrowser()
  stand = await openStand()
}, 180_000)
afterAll(async () => {
  await browser?.close()
  await stand?.close()
}, 60_000)

async function signedIn(
  credits: string,
  options: Parameters<typeof openProfile>[3] = {},
): Promise<Profile & { customer: Customer }> {
  const customer = await stand.customer(credits)
  const secret = await stand.signIn(customer.account)
  return { ...(await openProfile(browser, () => stand.gatewayUrl, secret, options)), customer }
}

const composer = (page: Page) => page.getByRole('textbox', { name: /^Message to / })
const last = (page: Page) => page.locator('.message').last()
const overlay = (page: Page) => page.getByRole('group', { name: 'Credits Depleted' })
/** The credits under the newest answer, once it has ended. */
async function costOf(page: Page): Promise<string> {
  await last(page).and(page.locator('[data-state=done], [data-state=stopped]')).waitFor()
  const cost = last(page).locator('.cr-cost')
  await cost.getByRole('button', { name: 'Inspect' }).waitFor()
  return (await cost.textContent()) ?? ''
}

describe('a message', () => {
  test('is answered in a stream and shows what it cost, with lines that sum to the total and to the ledger', async () => {
    const { open, complaints, customer } = await signedIn('500')
    const page = await open('/chat/ada')
    await page.getByText(/^Usually .* credits \(Fast\), an estimate$/).waitFor()
    await composer(page).fill('Good morning, in 60 words please.')
    await page.keyboard.press('Enter')
    await last(page).getByText('Working…').waitFor()
    expect(await composer(page).inputValue()).toBe('')
    expect(await costOf(page)).toMatch(/^(\d+\.\d\d|<0\.01) credits/)
    await page.getByText(/^(\d+\.\d\d|<0\.01) credits in this conversation$/).waitFor()

    // Memory and runtime are charged a little later, and come by themselves
    const messageId = `web-ada.${(await customer.charges()).find(({ messageId: id = '' }) => id !== '')!.messageId!.split('.')[1]}`
    const chargedNow = async () =>
      (await customer.charges())
        .filter((charge) => charge.messageId === messageId)
        .reduce((sum, { credits }) => sum + credits, 0)
    await until(
      async () =>
        (await customer.charges()).some(
          ({ category, messageId: id }) => category === 'compute_runtime' && id === messageId,
        ),
      30_000,
    )
    const total = await chargedNow()
    const exact = String(total / 1_000_000)
    await last(page).locator(`.cr-cost [title="${exact}"]`).waitFor()
    await last(page).getByRole('button', { name: 'Inspect' }).click()
    const dialog = page.getByRole('dialog', { name: 'What this message cost' })
    await dialog.getByRole('rowheader', { name: 'Input tokens', exact: true }).waitFor()
    await dialog.getByRole('rowheader', { name: 'Safety checks' }).waitFor()
    const lines = await dialog.locator('tbody td:last-child').allTextContents()
    const sum = lines.reduce((all, text) => all + (text === 'free' ? 0 : Math.round(Number(text) * 1_000_000)), 0)
    expect(sum).toBe(total)
    expect(await dialog.locator('tfoot td').textContent()).toBe(exact)
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    const inspect = last(page).getByRole('button', { name: 'Inspect' })
    expect(await inspect.evaluate((button) => button === document.activeElement)).toBe(true)

    // Said and answered stay
    const said = await last(page).locator('p').first().textContent()
    await page.reload()
    await costOf(page)
    expect(await last(page).locator('p').first().textContent()).toBe(said)
    expect(complaints).toEqual([])
  })

  test('that cannot be sent comes back, and is sent once', async () => {
    const { context, open } = await signedIn('500')
    const page = await open('/chat/bruno')
    let refused = 0
    await context.route('**/messages', async (route) => {
      refused += 1
      // It has arrived, and nobody heard so
      await route.fetch()
      await route.abort()
    })
    await composer(page).fill('Say hello, in 5 words please.')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByRole('alert').filter({ hasText: 'It was not sent' }).waitFor()
    expect(refused).toBe(1)
    expect(await composer(page).inputValue()).toBe('Say hello, in 5 words please.')
    await context.unroute('**/messages')
    await page.getByRole('button', { name: 'Send' }).click()
    await costOf(page)
    expect(await page.locator('.message').count()).toBe(2)
  })

  test('is stopped by its button, keeps what was said, and is charged for that', async () => {
    const { open } = await signedIn('500')
    const page = await open('/chat/clara')
    await composer(page).fill('Tell me all about tides, in 2000 words please.')
    await page.keyboard.press('Enter')
    await until(async () => ((await last(page).locator('p').first().textContent()) ?? '').length > 40)
    await page.getByRole('button', { name: 'Stop' }).click()
    await last(page).getByText('Stopped', { exact: true }).waitFor()
    expect(await costOf(page)).toMatch(/credits/)
  })

  test('that asks for a picture or a mail shows the picture, and asks before it sends', async () => {
    const { open, complaints } = await signedIn('500')
    const page = await open('/chat/ada')
    await composer(page).fill('Draw a picture of a lighthouse.')
    await page.keyboard.press('Enter')
    await last(page).getByRole('img', { name: 'The picture that was drawn' }).waitFor()
    await costOf(page)
    await composer(page).fill('Send a mail to Grace.')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Approve' }).click()
    await costOf(page)
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})

test('an app call and a workflow are a press away, with their prices; the workflow can be stopped', async () => {
  const { open, customer, complaints } = await signedIn('500')
  const page = await open('/chat/ada')
  await page.getByText('Try what else costs credits').click()
  await page.getByRole('button', { name: 'Look into the calendar · 0.05' }).click()
  await costOf(page)
  expect((await customer.charges()).map(({ credits }) => credits)).toContain(50_000)
  await page.getByRole('button', { name: 'Research, a workflow · 1/min' }).click()
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await last(page).and(page.locator('[data-state=stopped]')).waitFor()
  expect(await violationsOf(page)).toEqual([])
  await page.getByRole('link', { name: 'Daily report, a task · 0.25' }).click()
  await page.getByRole('heading', { name: 'Daily report' }).waitFor()
  expect(complaints).toEqual([])
})

test('a picture that costs more than there is says so and lets go on; with enough it is drawn', async () => {
  const { open, customer, complaints } = await signedIn('6')
  const page = await open('/chat/ada')
  await page.getByRole('button', { name: / left/ }).waitFor()
  await composer(page).fill('a lighthouse')
  await page.getByRole('button', { name: 'HD · 8' }).click()
  const notice = page.getByRole('alert').filter({ hasText: 'This needs 8 credits, you have 7.' })
  await notice.getByRole('link', { name: 'Buy a credit pack' }).waitFor()
  expect(await composer(page).isEnabled()).toBe(true)
  expect(await composer(page).inputValue()).toBe('a lighthouse')
  expect(await page.locator('.message').count()).toBe(0)
  expect(await violationsOf(page)).toEqual([])
  await customer.grant('20')
  await notice.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'HD · 8' }).click()
  await last(page).getByAltText('The picture that was drawn').waitFor({ timeout: 60_000 })
  await costOf(page)
  expect((await customer.charges()).map(({ credits }) => credits)).toContain(8_000_000)
  expect(complaints).toEqual([])
}, 120_000)

test('an answer that waits above zero says for what, and goes on by itself', async () => {
  const { open, customer } = await signedIn('6')
  const page = await open('/chat/ada')
  await composer(page).fill('Draw a picture in HD of a lighthouse.')
  await page.keyboard.press('Enter')
  await last(page)
    .getByText('It waits for credits, and goes on by itself once there are enough.')
    .waitFor({ timeout: 60_000 })
  await last(page)
    .getByRole('alert')
    .getByText(/^This needs [\d.]+ credits, you have \d/)
    .waitFor()
  expect(await overlay(page).count()).toBe(0)
  await customer.grant('20')
  await last(page).getByAltText('The picture that was drawn').waitFor({ timeout: 60_000 })
  await costOf(page)
  expect(await page.getByText('It waits for credits').count()).toBe(0)
}, 180_000)

describe('at zero', () => {
  test('the form is covered, its draft stays, the answer goes on after a grant, and nobody reloads', async () => {
    const { open, customer } = await signedIn('20')
    const page = await open('/chat/ada')
    await composer(page).fill('a draft that nobody sent')
    await customer.spendAll()
    await overlay(page).getByRole('link', { name: 'Buy a credit pack' }).waitFor()
    expect(await composer(page).isDisabled()).toBe(true)
    await page.getByRole('button', { name: /credits depleted$/ }).waitFor()
    expect(await violationsOf(page)).toEqual([])
    await overlay(page).getByRole('link', { name: 'Upgrade plan' }).focus()
    await customer.grant('50')
    await overlay(page).waitFor({ state: 'detached' })
    expect(await composer(page).inputValue()).toBe('a draft that nobody sent')
    await page.getByText('Credits are available again').waitFor({ state: 'attached' })
    expect(await composer(page).evaluate((field) => field === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await costOf(page)
  })

  test('a refused message covers the form although the page still believes in its balance; its text comes back, and is sent once', async () => {
    const { context, open, customer } = await signedIn('20')
    // What is spent elsewhere the page does not hear
    await context.route('**/credits/v1/feed', (route) => route.abort())
    const page = await open('/chat/ada')
    await page.getByText('Nothing was said yet.').waitFor()
    await customer.spendAll()
    expect(await overlay(page).count()).toBe(0)
    await composer(page).fill('Good morning, in ten words.')
    await page.keyboard.press('Enter')
    await overlay(page).waitFor()
    expect(await composer(page).inputValue()).toBe('Good morning, in ten words.')
    expect(await page.locator('.message').count()).toBe(0)
    await page.getByRole('button', { name: /credits depleted/ }).waitFor()
    await context.unroute('**/credits/v1/feed')
    await customer.grant('50')
    await overlay(page).waitFor({ state: 'detached' })
    await composer(page).focus()
    await page.keyboard.press('Enter')
    await costOf(page)
    expect(await page.locator('.message').count()).toBe(2)
  }, 120_000)

  test('a stream is cut, its text and cost stay, and it goes on by itself', async () => {
    const { open, customer } = await signedIn('20')
    const page = await open('/chat/clara')
    await composer(page).fill('Tell me all about tides, in 2000 words please.')
    await page.keyboard.press('Enter')
    await until(async () => ((await last(page).locator('p').first().textContent()) ?? '').length > 40)
    // Others take what there is
    await customer.spendAll()
    await overlay(page).waitFor()
    await last(page).getByText('It broke off, and goes on by itself once it can.').waitFor()
    expect(((await last(page).locator('p').first().textContent()) ?? '').length).toBeGreaterThan(40)
    await last(page).locator('.cr-cost[data-state=partial]').waitFor()
    await customer.grant('500')
    await overlay(page).waitFor({ state: 'detached' })
    await last(page).and(page.locator('[data-state=done]')).waitFor({ timeout: 120_000 })
    expect(await page.locator('.message').count()).toBe(2)
  }, 180_000)

  test('which the page leads to, and back: nothing is left after a button, and a pack brings all back', async () => {
    const { open } = await signedIn('300')
    const page = await open('/chat/ada')
    await page.getByText('See what happens at zero').click()
    await page.getByRole('button', { name: 'Spend all credits' }).click()
    await overlay(page).waitFor({ timeout: 90_000 })
    expect(await page.getByRole('button', { name: 'Spend all credits' }).isDisabled()).toBe(true)
    await overlay(page).getByRole('link', { name: 'Buy a credit pack' }).click()
    await page.getByRole('button', { name: 'Buy 500 credits' }).click()
    const asked = page.getByRole('dialog', { name: 'Buy 500 credits?' })
    await asked.getByRole('button', { name: 'Confirm' }).click()
    await asked.getByRole('button', { name: 'Pay' }).click()
    await page.getByText('500 credits are there.').waitFor()
    await page.goBack()
    await composer(page).fill('Hello, in ten words.')
    await page.keyboard.press('Enter')
    await costOf(page)
  }, 180_000)

  test('a balance that is not known covers nothing', async () => {
    const { context, open } = await signedIn('10')
    await context.route('**/credits/v1/balance', (route) => route.fulfill({ status: 500, body: '' }))
    await context.route('**/credits/v1/feed', (route) => route.abort())
    const page = await open('/chat/ada')
    await page.getByText('Credits unavailable').waitFor()
    expect(await composer(page).isEnabled()).toBe(true)
    expect(await overlay(page).count()).toBe(0)
  })
})

describe('the daily report', () => {
  test('is scheduled and written on the page of who writes it; without credits it is skipped, quietly', async () => {
    const { open, customer, complaints } = await signedIn('20')
    const page = await open('/employees/bruno')
    await page.getByText('Can be written every day at 7:00 UTC.').waitFor()
    await page.getByRole('button', { name: 'Schedule it' }).click()
    await page.getByText(/^Written every day at 7:00 UTC\. Next: .* 2\d{3}, /).waitFor()
    await page.getByRole('button', { name: 'Write one now' }).click()
    const runs = page.getByRole('group', { name: 'Reports' }).locator('tbody tr')
    await runs.and(page.locator('[data-result=done]')).waitFor({ timeout: 60_000 })
    await runs.getByText('Written').click()
    expect(((await runs.locator('details').textContent()) ?? '').length).toBeGreaterThan('Written'.length)
    expect(await violationsOf(page)).toEqual([])
    await customer.spendAll()
    await page.getByRole('button', { name: 'Write one now' }).click()
    await page.getByText('Skipped – no credits').waitFor({ timeout: 60_000 })
    expect(await page.locator('.cr-toast').filter({ hasText: 'report' }).count()).toBe(0)
    await page.getByRole('button', { name: 'End the schedule' }).click()
    await page.getByText('Can be written every day at 7:00 UTC.').waitFor()
    const other = await open('/employees/ada')
    await other.getByRole('heading', { name: 'Budget' }).waitFor()
    expect(await other.getByRole('heading', { name: 'Daily report' }).count()).toBe(0)
    expect(complaints).toEqual([])
  }, 240_000)
})

test.each([
  [1280, 'dark'],
  [320, 'light'],
] as const)('the chat fits %i pixels, %s', async (width, colorScheme) => {
  const { open, complaints } = await signedIn('10', { viewport: { width, height: 800 }, colorScheme })
  const page = await open('/chat')
  await composer(page).waitFor()
  await page.getByText('Nothing was said yet.').waitFor()
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  expect(await violationsOf(page)).toEqual([])
  expect(complaints).toEqual([])
})
