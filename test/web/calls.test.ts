import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { adminKey, type TestUser } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import type { Profile } from './browser.ts'
import { openEmptyCompany } from './empty-company.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand
let company: Awaited<ReturnType<typeof openEmptyCompany>>

beforeAll(async () => {
  company = await openEmptyCompany()
  stand = await openWebStand({ companyUrl: company.url })
}, 120_000)
afterAll(async () => {
  await stand?.close()
  company.close()
})

const bonus = creditsToMicro('1000')
const grant = (user: TestUser, credits: string) =>
  stand.api.ask('POST', `/admin/v1/accounts/${user.accountId}/grants`, {
    as: adminKey,
    body: { credits, reason: 'test' },
  })

interface Caller extends Profile {
  readonly user: TestUser
  /** The calls of the account as the API has them, the latest first. */
  readonly sessions: () => Promise<readonly Told[]>
}
interface Told {
  readonly id: string
  readonly state: string
  readonly endReason: string | null
  readonly seconds: number
  readonly credits: number
}

/** Somebody with two employees and so many credits, all that are left of the bonus. */
async function caller(credits = '1000', options: BrowserContextOptions = {}): Promise<Caller> {
  const user = await stand.api.user()
  for (const [id, name] of [
    ['ada', 'Ada'],
    ['bruno', 'Bruno'],
  ] as const)
    await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id, name } })
  const spent = toMicro(bonus - creditsToMicro(credits))
  if (spent > 0) await stand.api.charge(user.accountId, { amount: spent })
  return {
    ...(await stand.profile(user, options)),
    user,
    sessions: async () => (await stand.api.ask('GET', '/credits/v1/sessions', { as: user.key })).body.items,
  }
}

const startVoice = (page: Page) => page.getByRole('button', { name: 'Start voice call (~3 credits/min)' })
const joinMeeting = (page: Page) => page.getByRole('button', { name: 'Join meeting (~1.5 credits/min)' })
const call = (page: Page, name = 'Voice call with Ada') => page.getByRole('group', { name })
const end = (page: Page) => page.getByRole('button', { name: 'End', exact: true })
/** µcr, as the page says it. */
const creditsOn = async (page: Page): Promise<number> => {
  const shown = call(page).locator('.cr-call-credits [title]')
  return creditsToMicro((await shown.getAttribute('title'))!)
}
/** This stand has no estimates. */
const isOurs = (text: string): boolean => !text.includes('/estimate')

describe('a voice call', () => {
  test('begins by its button with its price, shows what the server says, and its cost is the sum of its receipts', async () => {
    const { open, complaints, sessions, user } = await caller()
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await call(page).getByText('3 credits/min').waitFor()
    expect(await call(page).evaluate((group) => group === document.activeElement)).toBe(true)
    expect(await startVoice(page).count()).toBe(0)
    await until(async () => (await creditsOn(page)) >= 150_000)
    expect(await violationsOf(page)).toEqual([])

    const mute = page.getByRole('button', { name: 'Mute (demo)' })
    await mute.click()
    expect(await mute.getAttribute('aria-pressed')).toBe('true')
    await end(page).click()
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
    const [told] = await sessions()
    expect(told).toMatchObject({ state: 'ended', endReason: 'requested' })
    expect(told!.credits).toBe(told!.seconds * 50_000)
    await until(async () => (await creditsOn(page)) === told!.credits)
    expect(await violationsOf(page)).toEqual([])

    // Ended once more it is as it was
    const again = await stand.api.ask('POST', `/credits/v1/sessions/${told!.id}/end`, { as: user.key })
    expect(again.body).toMatchObject({ state: 'ended', seconds: told!.seconds, credits: told!.credits })

    await page.getByRole('button', { name: 'Inspect' }).click()
    const dialog = page.getByRole('dialog', { name: 'What this call cost' })
    const row = dialog.getByRole('row', { name: /^Voice conversations/ })
    await row.waitFor()
    expect(await row.getByRole('cell').allTextContents()).toEqual([
      `${told!.seconds} sec`,
      '3 / min',
      String(told!.credits / 1_000_000),
    ])
    expect(await dialog.locator('tfoot td').textContent()).toBe(String(told!.credits / 1_000_000))
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    const balance = (await stand.api.ask('GET', '/credits/v1/balance', { as: user.key })).body
    expect(balance).toMatchObject({ used: told!.credits, held: 0 })

    await page.getByRole('button', { name: 'Close' }).click()
    await startVoice(page).waitFor()
    expect(await call(page).count()).toBe(0)
    expect(complaints.filter(isOurs)).toEqual([])
  })

  test('goes on through a reload and on other pages, is seen in another tab, and ended there', async () => {
    const { context, open, complaints, sessions } = await caller()
    let beats = 0
    context.on('request', (request) => {
      if (request.url().endsWith('/heartbeat')) beats += 1
    })
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await end(page).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Mute (demo)' }).waitFor()

    const other = await open('/chat/ada')
    await call(other).getByText('in another tab').waitFor()
    expect(await other.getByRole('button', { name: 'Mute (demo)' }).count()).toBe(0)
    expect(await startVoice(other).count()).toBe(0)

    await page.getByRole('link', { name: 'Employees' }).click()
    await page.getByRole('heading', { name: 'Employees', level: 1 }).waitFor()
    await call(page).waitFor()
    const before = beats
    await until(async () => beats >= before + 2)
    await page.getByRole('link', { name: 'Chat', exact: true }).click()
    await page.getByRole('link', { name: 'Bruno' }).click()
    await startVoice(page).waitFor()
    await call(page).getByText('so far').waitFor()

    await end(other).click()
    await call(other).getByText('You ended it.', { exact: true }).first().waitFor()
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
    expect((await sessions()).map(({ state, endReason }) => `${state} ${endReason}`)).toEqual(['ended requested'])
    // Kept until somebody has seen it
    await page.reload()
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.reload()
    await startVoice(page).waitFor()
    expect(await call(page).count()).toBe(0)
    expect(complaints.filter(isOurs)).toEqual([])
  })

  test('costs what the server has told, however long the page counts', async () => {
    const { context, open } = await caller()
    await context.route('**/credits/v1/feed', (route) => route.abort())
    let first: string | undefined
    await context.route(/credits\/v1\/sessions\/[^/]+(\/heartbeat)?$/, async (route) => {
      first ??= await (await route.fetch()).text()
      await route.fulfill({ contentType: 'application/json', body: first })
    })
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await call(page).getByRole('timer').getByText('9 sec').waitFor()
    expect(await creditsOn(page)).toBe((JSON.parse(first!) as Told).credits)
    await context.unroute(/credits\/v1\/sessions\/[^/]+(\/heartbeat)?$/)
    // The answers to its signs of life tell too
    await until(async () => (await creditsOn(page)) >= 450_000)
    await end(page).click()
  })

  test('whose gateway is away keeps what was told, says so, and hears of its end once it is back', async () => {
    const { open, sessions, user } = await caller()
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await until(async () => (await creditsOn(page)) > 0)
    await stand.stop()
    try {
      await call(page).getByText('Reconnecting').waitFor({ timeout: 30_000 })
      expect(await creditsOn(page)).toBeGreaterThan(0)
      // From another device
      const [{ id } = { id: '' }] = await sessions()
      await stand.api.ask('POST', `/credits/v1/sessions/${id}/end`, { as: user.key })
    } finally {
      await stand.start()
    }
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
  })

  test.each([
    [1280, 'dark', 'ltr'],
    [320, 'light', 'ltr'],
    [320, 'dark', 'rtl'],
  ] as const)('with a warning fits %i pixels, %s, %s', async (width, colorScheme, dir) => {
    const { open, complaints } = await caller('4', { viewport: { width, height: 800 }, colorScheme })
    const page = await open('/chat/ada')
    await page.evaluate((to) => void (document.documentElement.dir = to), dir)
    await startVoice(page).click()
    await call(page)
      .locator('.cr-call-warning')
      .getByText(/^About (1 min|\d+ sec) left$/)
      .waitFor()
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
    expect(await violationsOf(page)).toEqual([])
    await end(page).click()
    await page.getByRole('button', { name: 'Inspect' }).waitFor()
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
    expect(complaints.filter(isOurs)).toEqual([])
  })
})

describe('a meeting', () => {
  test('is joined and left by keyboard alone, on a platform of choice', async () => {
    const { open, sessions } = await caller()
    const page = await open('/chat/ada')
    await joinMeeting(page).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Send Ada to a meeting' })
    await dialog.waitFor()
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Tab')
    await page.keyboard.press('z')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const meeting = call(page, 'Ada in a meeting on Zoom')
    await meeting.getByText('1.5 credits/min').waitFor()
    expect(await meeting.evaluate((group) => group === document.activeElement)).toBe(true)
    await page.keyboard.press('Tab')
    expect(await end(page).evaluate((button) => button === document.activeElement)).toBe(true)
    await page.keyboard.press('Enter')
    await meeting.getByText('You ended it.', { exact: true }).first().waitFor()
    await until(() => meeting.evaluate((group) => group.contains(document.activeElement)))
    expect(await sessions()).toMatchObject([{ kind: 'meeting', platform: 'zoom', rate: 1_500_000 }])
  })

  test('is joined by its address, which has to be one', async () => {
    const { open, sessions } = await caller()
    const page = await open('/chat/ada')
    await joinMeeting(page).click()
    const address = page.getByRole('textbox', { name: 'Address of the meeting' })
    await address.fill('meet.google.com/abc-defg-hij')
    await page.getByRole('button', { name: 'Join', exact: true }).click()
    expect(await address.evaluate((field) => (field as HTMLInputElement).validity.valid)).toBe(false)
    await address.fill('https://meet.google.com/abc-defg-hij')
    await page.getByRole('button', { name: 'Join', exact: true }).click()
    await call(page, 'Ada in a meeting on Google Meet').waitFor()
    expect(await sessions()).toMatchObject([{ kind: 'meeting', platform: 'meet', state: 'live' }])
    await end(page).click()
  })
})

describe('a start that is refused', () => {
  test('says what it needs, and nothing has begun; with enough it begins', async () => {
    const { open, user, sessions } = await caller('2')
    const page = await open('/chat/ada')
    await startVoice(page).click()
    const notice = page.getByRole('alert').filter({ hasText: 'This needs 3 credits, you have 2.' })
    await notice.getByRole('link', { name: 'Buy a credit pack' }).waitFor()
    expect(await sessions()).toEqual([])
    expect(await page.getByRole('textbox', { name: 'Message to Ada' }).isEnabled()).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    await grant(user, '10')
    await notice.waitFor({ state: 'detached' })
    await startVoice(page).click()
    await end(page).click()
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
    expect(await sessions()).toHaveLength(1)
  })

  test('at zero covers the form although the page still believes in its balance', async () => {
    const { context, open, user, sessions } = await caller('5')
    await context.route('**/credits/v1/feed', (route) => route.abort())
    const page = await open('/chat/ada')
    await startVoice(page).waitFor()
    await stand.api.charge(user.accountId, { amount: creditsToMicro('5') })
    await startVoice(page).click()
    await page.getByRole('group', { name: 'Credits Depleted' }).waitFor()
    expect(await startVoice(page).isDisabled()).toBe(true)
    expect(await sessions()).toEqual([])
  })

  test('by a budget names it, and leads to where it is raised', async () => {
    const { open, user, sessions } = await caller()
    const budget = { limit: creditsToMicro('2'), window: 'month', atLimit: 'pause' }
    await stand.api.ask('PUT', '/credits/v1/budgets/employee:ada', { as: user.key, body: budget })
    const page = await open('/chat/ada')
    await startVoice(page).click()
    const refused = page.getByRole('alert').filter({ hasText: 'The budget of Ada does not cover the first minute.' })
    expect(await refused.getByRole('link', { name: 'Raise budget' }).getAttribute('href')).toBe('/employees/ada#budget')
    expect(await sessions()).toEqual([])
  })
})

// Each of these waits for the clock of the ledger: together they take as long as the longest.
describe.concurrent('a call that nobody ends', () => {
  test('is over when its tab is closed, and costs what it lasted until then', async () => {
    const { open, sessions } = await caller()
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await call(page).getByText('so far').waitFor()
    const other = await open('/chat/ada')
    await call(other).getByText('in another tab').waitFor()
    await page.close()
    await call(other)
      .getByText('It ended: the connection was lost.', { exact: true })
      .first()
      .waitFor({ timeout: 90_000 })
    const [told] = await sessions()
    expect(told).toMatchObject({ state: 'ended', endReason: 'connection_lost' })
    expect(told!.seconds).toBeLessThan(30)
  }, 120_000)

  test('is warned of its end, politely, and at zero it ends with its reason beside the covered form', async () => {
    const { open, user, sessions, complaints } = await caller('3')
    const page = await open('/chat/ada')
    const composer = page.getByRole('textbox', { name: 'Message to Ada' })
    await composer.fill('a draft that nobody sent')
    await startVoice(page).click()
    const warning = call(page).locator('.cr-call-warning')
    await warning.getByRole('link', { name: 'Buy a credit pack' }).waitFor()
    const status = call(page).getByRole('status')
    await until(async () => /^About (1 min|\d+ sec) left$/.test((await status.textContent())!))
    const said = await status.textContent()
    await warning.getByText('Less than 10 sec left').waitFor({ timeout: 90_000 })
    // Said once, not each time that it has become less
    expect(await status.textContent()).toBe(said)
    await call(page).getByText('It ended: credits ran out.', { exact: true }).first().waitFor()
    expect(await status.textContent()).toBe('It ended: credits ran out.')
    await page.getByRole('group', { name: 'Credits Depleted' }).waitFor()
    await page.getByRole('button', { name: /credits depleted$/ }).waitFor()
    expect(await composer.isDisabled()).toBe(true)
    expect(await startVoice(page).isDisabled()).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    expect(await sessions()).toMatchObject([{ endReason: 'credits', seconds: 60, credits: 3_000_000 }])
    await page.getByRole('button', { name: 'Inspect' }).click()
    await page.getByRole('dialog', { name: 'What this call cost' }).getByText('3 credits in all').waitFor()
    await page.keyboard.press('Escape')

    await grant(user, '20')
    await page.getByRole('group', { name: 'Credits Depleted' }).waitFor({ state: 'detached' })
    expect(await composer.inputValue()).toBe('a draft that nobody sent')
    await startVoice(page).click()
    await end(page).click()
    await until(async () => (await sessions()).every(({ state }) => state === 'ended'))
    expect(complaints.filter(isOurs)).toEqual([])
  }, 150_000)
})
